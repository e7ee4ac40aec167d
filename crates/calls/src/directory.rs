//! Who has which phone: the one thing the call logic has to ask.

use std::sync::Arc;

use crate::AccountId;

/// A person of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Employee {
    /// The local number.
    pub number: Arc<str>,
    /// The name, empty where none was entered.
    pub name: Arc<str>,
}

/// A phone, with the employee who has it at the moment it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its own local number.
    pub number: Arc<str>,
    /// Who has it.
    pub employee: Option<Employee>,
}

impl Phone {
    /// `EmployeeLocalNumber`: the employee's, the phone's own where the phone has no employee.
    pub fn employee_number(&self) -> &str {
        self.employee.as_ref().map_or(&self.number, |employee| &employee.number)
    }
}

/// What the call logic asks about the world. Given with every input; the answer may change between
/// inputs (hot desking), and a leg keeps what was true when it began.
pub trait Directory {
    /// The phone behind a PBX endpoint (`PJSIP/1001-101`), or `None` for a trunk or anything else.
    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>>;

    /// The phone behind an endpoint whose channel the PBX shows as a provider's line
    /// ([`crate::Device::Provider`]): only one that is named as a phone, never one that merely looks like one.
    fn phone_on_line(&self, endpoint: &str) -> Option<Arc<Phone>> {
        self.phone(endpoint)
    }

    /// Whether a dialled number is a feature code of the account, which causes no `Outgoing`.
    fn is_feature_code(&self, account: &AccountId, dialled: &str) -> bool;
}
