"""The lab: a real Asterisk, real SIP phones, and a check of what Ringbud tells about their calls."""
