//! Employees and phones, one by one and many at once.

use std::collections::BTreeMap;

use journal::settings::{Employee, Holder, Phone, SettingKey};
use journal::{AccountSettings, AuditEntry, Put, SettingsCache};

use crate::admin::{Admin, Written};
use crate::change::Fields as _;
use crate::noted::Noted;
use crate::{Actor, Code, Expect, Refusal, names};

/// At most so many lines are taken at once.
pub const MAX_LINES: usize = 5_000;

/// What an employee is to be; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmployeeWish {
    /// The name for people.
    pub name: Option<String>,
}

/// What a phone is to be; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhoneWish {
    /// A name for people.
    pub name: Option<String>,
    /// Who has it.
    pub holder: Option<Holder>,
}

/// A line of a list of phones and employees, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonLine {
    /// Which line it was.
    pub line: usize,
    /// The phone's number; empty for none.
    pub phone: String,
    /// The phone's name.
    pub phone_name: String,
    /// The number of the employee who has it; empty for the one of the same number, `-` for nobody.
    pub employee: String,
    /// The employee's name.
    pub employee_name: String,
}

/// What a line would set.
type Wanted = (Option<(String, Phone)>, Option<(String, Employee)>);

impl EmployeeWish {
    fn over(&self, before: Option<&Employee>) -> Result<Employee, Refusal> {
        match &self.name {
            Some(name) => Ok(Employee { name: names::name("name", name)? }),
            None => Ok(before.cloned().unwrap_or(Employee { name: String::new() })),
        }
    }
}

impl PhoneWish {
    fn over(&self, before: Option<&Phone>) -> Result<Phone, Refusal> {
        let mut phone = before.cloned().unwrap_or(Phone { holder: Holder::SameNumber, name: String::new() });
        match &self.holder {
            Some(Holder::Employee(number)) => {
                phone.holder = Holder::Employee(names::local_number("employee", number)?);
            }
            Some(other) => phone.holder = other.clone(),
            None => {}
        }
        if let Some(name) = &self.name {
            phone.name = names::name("name", name)?;
        }
        Ok(phone)
    }
}

impl PersonLine {
    fn wanted(&self) -> Result<Wanted, Refusal> {
        let employee = match self.employee.as_str() {
            "" | "-" => None,
            number => Some((
                names::local_number("employee", number)?,
                Employee { name: names::name("name", &self.employee_name)? },
            )),
        };
        if self.phone.is_empty() {
            return Ok((None, employee));
        }
        let number = names::local_number("phone", &self.phone)?;
        let holder = match (&employee, self.employee.as_str()) {
            (_, "-") => Holder::Nobody,
            (Some((of, _)), _) if *of != number => Holder::Employee(of.clone()),
            (Some(_) | None, _) => Holder::SameNumber,
        };
        Ok((Some((number, Phone { holder, name: names::name("phone_name", &self.phone_name)? })), employee))
    }
}

fn employee_there<'a>(
    account: &'a AccountSettings,
    number: &'a str,
) -> impl Fn(&SettingsCache) -> Option<(Employee, u64)> + use<'a> {
    move |cache| cache.account(&account.id)?.employees.get(number).cloned()
}

fn phone_there<'a>(
    account: &'a AccountSettings,
    number: &'a str,
) -> impl Fn(&SettingsCache) -> Option<(Phone, u64)> + use<'a> {
    move |cache| cache.account(&account.id)?.phones.get(number).cloned()
}

impl Admin {
    /// Makes or changes an employee.
    pub async fn set_employee(
        &self,
        actor: &Actor,
        account: &str,
        number: &str,
        wish: EmployeeWish,
        expect: Expect,
    ) -> Result<Written<Employee>, Refusal> {
        let account = self.changes(actor, account)?;
        let number = names::local_number("number", number)?;
        let key = SettingKey::Employee(account.id.clone(), number.clone());
        let there = employee_there(&account, &number);
        let with = |_: &Employee, _| (Vec::new(), vec![noted("audit.employee", &account, &number).by(actor)]);
        let written = self.change(&key, expect, there, |before| wish.over(before), with).await?;
        Ok(Written { key: number.clone(), ..written })
    }

    /// Removes an employee.
    pub async fn remove_employee(
        &self,
        actor: &Actor,
        account: &str,
        number: &str,
        expect: Expect,
    ) -> Result<(), Refusal> {
        let account = self.changes(actor, account)?;
        let key = SettingKey::Employee(account.id.clone(), number.to_owned());
        let noted = noted("audit.employee_removed", &account, number);
        self.take(actor, noted, &key, expect, employee_there(&account, number), Code::NoEmployee).await
    }

    /// Makes or changes a phone. An employee it is given to comes into being.
    pub async fn set_phone(
        &self,
        actor: &Actor,
        account: &str,
        number: &str,
        wish: PhoneWish,
        expect: Expect,
    ) -> Result<Written<Phone>, Refusal> {
        let account = self.changes(actor, account)?;
        let number = names::local_number("number", number)?;
        let there = phone_there(&account, &number);
        let key = SettingKey::Phone(account.id.clone(), number.clone());
        let with = |phone: &Phone, _| {
            let (puts, mut log) = self.employ(actor, &account, &phone.holder);
            log.push(noted("audit.phone", &account, &number).by(actor));
            (puts, log)
        };
        let written = self.change(&key, expect, there, |before| wish.over(before), with).await?;
        Ok(Written { key: number.clone(), ..written })
    }

    /// Removes a phone.
    pub async fn remove_phone(
        &self,
        actor: &Actor,
        account: &str,
        number: &str,
        expect: Expect,
    ) -> Result<(), Refusal> {
        let account = self.changes(actor, account)?;
        let key = SettingKey::Phone(account.id.clone(), number.to_owned());
        let noted = noted("audit.phone_removed", &account, number);
        self.take(actor, noted, &key, expect, phone_there(&account, number), Code::NoPhone).await
    }

    /// Sets many at once. All lines are read and compared before the first is written. Says how many.
    pub async fn import_people(
        &self,
        actor: &Actor,
        account: &str,
        lines: &[PersonLine],
        expect: Expect,
    ) -> Result<usize, Refusal> {
        let account = self.changes(actor, account)?;
        if lines.len() > MAX_LINES {
            return Err(Refusal::of(Code::ImportLong, "import").with("most", MAX_LINES));
        }
        let mut wanted = Vec::with_capacity(lines.len());
        for line in lines {
            wanted.push(line.wanted().map_err(|refusal| at(line.line, &refusal))?);
        }
        for (phone, employee) in &wanted {
            if let Some((number, employee)) = employee {
                let there = account.employees.get(number).map(|(one, version)| (one, *version));
                let key = SettingKey::Employee(account.id.clone(), number.clone());
                expect.against(there, Some(employee), self.at(&key))?;
            }
            if let Some((number, phone)) = phone {
                let there = account.phones.get(number).map(|(one, version)| (one, *version));
                let key = SettingKey::Phone(account.id.clone(), number.clone());
                expect.against(there, Some(phone), self.at(&key))?;
            }
        }
        let mut puts = BTreeMap::new();
        for (phone, employee) in &wanted {
            if let Some((number, employee)) = employee {
                let key = SettingKey::Employee(account.id.clone(), number.clone());
                puts.insert(key, employee.clone().setting());
            }
            if let Some((number, phone)) = phone {
                let key = SettingKey::Phone(account.id.clone(), number.clone());
                puts.insert(key, phone.clone().setting());
            }
        }
        let puts = puts.into_iter().map(|(key, value)| Put { key, value: Some(value), expected: None });
        let many = wanted.len().to_string();
        let noted = Noted { what: "audit.import", account: account.id.as_str(), subject: "", detail: &many };
        self.cache.put_all(puts.collect(), vec![noted.by(actor)]).await?;
        Ok(wanted.len())
    }

    /// An employee who is given a phone comes into being, with the phone.
    fn employ(
        &self,
        actor: &Actor,
        account: &AccountSettings,
        holder: &Holder,
    ) -> (Vec<Put>, Vec<AuditEntry>) {
        let Holder::Employee(number) = holder else { return Default::default() };
        let there = self.cache.account(&account.id).is_some_and(|now| now.employees.contains_key(number));
        if there {
            return Default::default();
        }
        let key = SettingKey::Employee(account.id.clone(), number.clone());
        let value = Some(Employee { name: String::new() }.setting());
        let put = Put { key, value, expected: Some(0) };
        (vec![put], vec![noted("audit.employee", account, number).by(actor)])
    }
}

fn noted<'a>(what: &'static str, account: &'a AccountSettings, subject: &'a str) -> Noted<'a> {
    Noted { what, account: account.id.as_str(), subject, detail: "" }
}

fn at(line: usize, refusal: &Refusal) -> Refusal {
    let [english, danish] = [crate::Language::English, crate::Language::Danish].map(|of| refusal.told(of));
    Refusal::of(Code::ImportLine, "import").with("line", line).either("why", english, danish)
}
