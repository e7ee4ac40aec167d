//! What is said of links in Danish. The English is made where it is found out, with what only that place knows.

/// The sentence of a code on a kind of PBX, with its holes.
pub(super) fn sentence(code: &str, kind: &str) -> Option<&'static str> {
    let of = |wanted: &str| SENTENCES.iter().find(|(name, of, _)| *name == code && *of == wanted);
    of(kind).or_else(|| of("")).map(|(.., sentence)| *sentence)
}

/// Code, the kind of PBX it is said of (empty for any), and the sentence.
const SENTENCES: &[(&str, &str, &str)] = &[
    // No connection.
    (
        "unreachable",
        "Asterisk",
        "{address} kan ikke nås: {why}. Kører centralen, og lytter den dér, som der står i {place}?",
    ),
    (
        "unreachable",
        "FreeSWITCH",
        "{address} kan ikke nås: {why}. Kører centralen, og lytter den dér, som der står i {place}?",
    ),
    ("timed_out", "", "{address} svarede ikke inden for {seconds} s; er der en firewall imellem?"),
    ("tls", "", "{address} og Ringbud kunne ikke blive enige om TLS: {why}"),
    ("tls_authorities", "", "tls_ca {file} kan ikke bruges: {why}"),
    // No session.
    (
        "not_this_pbx",
        "",
        "det, der svarer på adressen, er ikke {kind} (det sagde \"{said}\"): se efter, om adressen og porten er rigtige",
    ),
    (
        "no_greeting",
        "",
        "forbundet, men {kind} sagde intet inden for {seconds} s: se efter, om adressen og porten er rigtige, og om den kræver TLS",
    ),
    (
        "login_refused",
        "Asterisk",
        "centralen afviste at logge {username} ind med ordene \"{said}\": se efter, om username og secret er rigtige her, og hvad brugerens secret, permit og deny siger i {place}",
    ),
    (
        "login_refused",
        "FreeSWITCH",
        "centralen afviste login med ordene \"{said}\": se efter, om secret er rigtig her, og hvilken adgangskode der står i {place}",
    ),
    (
        "address_refused",
        "Asterisk",
        "{kind} på den adresse lukker ingen ind herfra: tillad denne maskines adresse i {place}",
    ),
    (
        "address_refused",
        "FreeSWITCH",
        "{kind} på den adresse lukker ingen ind herfra: skriv denne maskines adresse på den liste, som apply-inbound-acl nævner i {place}, eller i listen-ip, hvis den kun lytter på 127.0.0.1",
    ),
    (
        "secret_not_shown",
        "",
        "det, der svarer dér, kan ikke logge ind med udfordring og svar ({said}) og vil altså have adgangskoden i klartekst, hvor enhver, der lytter med, kan læse den. Den er ikke sendt. Er det virkelig jeres central, så brug tls = true, eller skriv plain_login = true i dens [[pbx]]",
    ),
    (
        "too_old",
        "",
        "{kind} {version} er for gammel: Ringbud følger {kind} {needed} og nyere, som fortæller om opkald på en anden måde; intet meldes fra denne central, før den er opgraderet",
    ),
    ("no_answer", "", "centralen svarede ikke på {action} inden for {seconds} s"),
    (
        "frozen",
        "",
        "centralen har været tavs i {seconds} s, selv om den blev bedt om et livstegn: Maskinen er gået i stå, eller forbindelsen til den er afbrudt",
    ),
    // No more.
    ("dismissed", "", "centralen meddelte, at den lukker forbindelsen"),
    ("closed", "", "centralen lukkede forbindelsen"),
    ("broken", "", "forbindelsen blev afbrudt: {why}"),
    (
        "too_far_behind",
        "",
        "centralen sender hurtigere, end det kan behandles, og der venter mere, end der er plads til. Forbindelsen blev lukket, før det hobede sig op i centralen. Den åbnes igen, og det, der gik tabt imens, antages",
    ),
    ("stuck", "", "centralen tager ikke imod noget længere"),
    ("stopping", "", "Ringbud er ved at stoppe"),
    // Up, and something is missing or wrong.
    (
        "missing_system_events",
        "Asterisk",
        "AMI-brugeren får ingen systemhændelser, så en genstart af centralen opdages måske ikke: giv den read = system,call,agent i {place}",
    ),
    ("missing_system_events", "FreeSWITCH", "event socket fortæller ikke, hvornår FreeSWITCH starter"),
    (
        "missing_call_events",
        "Asterisk",
        "AMI-brugeren får ingen opkaldshændelser, så opkald ikke ses: giv den read = system,call,agent i {place}, og se efter linjer med eventfilter dér",
    ),
    (
        "missing_call_events",
        "FreeSWITCH",
        "event socket afviste abonnementet på opkaldshændelser, så opkald ikke ses: giv brugeren i userauth hændelserne CHANNEL_CREATE til CHANNEL_UUID, HEARTBEAT og CUSTOM (esl-allowed-events), eller log ind med adgangskoden fra {place}",
    ),
    (
        "missing_agent_events",
        "Asterisk",
        "AMI-brugeren får ingen agenthændelser, så hverken køen, et opkald kom igennem (QueueName), eller opkald til agenter, der holder linjen åben, meldes: giv den read = system,call,agent i {place}",
    ),
    ("missing_agent_events", "FreeSWITCH", "event socket fortæller ikke, hvad køer gør"),
    (
        "missing_filters",
        "Asterisk",
        "AMI-brugeren må ikke sætte filtre op, eller centralen retter sig ikke efter dem, så den sender mere end nødvendigt: giv den write = system,reporting, eller skriv eventfilter-linjer til den i {place}",
    ),
    (
        "missing_filters",
        "FreeSWITCH",
        "event socket retter sig ikke efter filtre, så FreeSWITCH sender mere end nødvendigt",
    ),
    (
        "missing_snapshot",
        "Asterisk",
        "AMI-brugeren må ikke se listen over kanaler, så opkald, der allerede er i gang, når Ringbud forbinder, ses for sent, og opkald, der slutter, mens forbindelsen er nede, bliver stående som igangværende: giv den write = system,reporting i {place}",
    ),
    (
        "missing_snapshot",
        "FreeSWITCH",
        "brugeren må ikke se listerne over kanaler og opkald, så opkald, der allerede er i gang, når Ringbud forbinder, ses for sent, og opkald, der slutter, mens forbindelsen er nede, bliver stående som igangværende: giv brugeren i userauth kommandoerne show, uuid_dump og global_getvar (esl-allowed-api)",
    ),
    (
        "missing_status",
        "Asterisk",
        "AMI-brugeren må ikke spørge om centralens version og start: giv den write = system,reporting i {place}",
    ),
    (
        "missing_status",
        "FreeSWITCH",
        "brugeren må ikke spørge om FreeSWITCH' version: giv brugeren i userauth kommandoen status (esl-allowed-api)",
    ),
    (
        "missing_endpoints",
        "Asterisk",
        "AMI-brugeren må ikke se listen over centralens telefoner: giv den write = system,reporting i {place}",
    ),
    (
        "missing_endpoints",
        "FreeSWITCH",
        "brugeren må ikke se listen over, hvem der er registreret: giv brugeren i userauth kommandoen show (esl-allowed-api)",
    ),
    ("at_gateway", "", "gatewayen {gateway} har den"),
    ("at_gateway_heard", "", "gatewayen {gateway} har den: {from} hørte den ikke mere"),
    (
        "next_does_not_hear",
        "",
        "gatewayen {gateway}, som står for tur, hører den ikke ({why}): hvorfor, står i dens log",
    ),
    ("at_gateway_taken", "", "gatewayen {gateway} har den: den tog den fra {from}, som var væk"),
    (
        "at_gateway_silent",
        "",
        "gatewayen {gateway} har den og giver ikke lyd fra sig: en anden tager den inden for få sekunder",
    ),
    ("at_no_gateway", "", "ingen gateway har den: kører der en, som har den i sin konfiguration?"),
    (
        "clock_far",
        "",
        "centralens ur afviger {seconds} s fra vores, og opkaldenes tider følger centralens ur: brug NTP på begge maskiner",
    ),
];

/// What is said in English where no file has the name of the place.
const PLACES: &[(&str, &str)] = &[
    ("its page for users of the manager interface (AMI)", "dens side med AMI-brugere"),
    (
        "event_socket.conf.xml and /etc/fusionpbx/config.conf",
        "event_socket.conf.xml og /etc/fusionpbx/config.conf",
    ),
];

/// The place where a PBX keeps who may log in, in Danish: files have one name everywhere.
pub(super) fn place(english: &str) -> &str {
    PLACES.iter().find(|(of, _)| *of == english).map_or(english, |(_, danish)| danish)
}
