//! The phones of the recordings, found in a list made beforehand, as the program caches them.

use std::collections::HashMap;
use std::sync::Arc;

use calls::{AccountId, Directory, Employee, Phone};

/// Phones 100 to 999 of two accounts, by the names both kinds of PBX give them.
pub(crate) struct Office {
    phones: HashMap<String, Arc<Phone>>,
}

impl Office {
    pub(crate) fn new() -> Self {
        let mut phones = HashMap::new();
        for account in ["1001", "2002"] {
            for number in 100..1_000 {
                let number: Arc<str> = number.to_string().into();
                let employee = Some(Employee { number: number.clone(), name: "".into() });
                let phone = Phone { account: AccountId::new(account), number: number.clone(), employee };
                let phone = Arc::new(phone);
                phones.insert(format!("PJSIP/{account}-{number}"), phone.clone());
                phones.insert(format!("{number}@{account}.lab.test"), phone);
            }
        }
        Self { phones }
    }
}

impl Directory for Office {
    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>> {
        self.phones.get(endpoint).cloned()
    }

    fn is_feature_code(&self, _: &AccountId, dialled: &str) -> bool {
        dialled.starts_with('*')
    }
}
