//! What a request says: an event and an integration's choices become names and values, in the order of
//! the contract.
//!
//! Pure. How names and values are written into a request is left to `request`.

mod about;
mod numbers;
mod parameter;
pub mod schema;
mod time;

use std::borrow::Cow;
use std::sync::Arc;

use calls::{Event, EventKind};
use journal::settings::{Extras, Integration, ParameterNames};

pub use about::Form;
pub use numbers::{NoCountry, Numbers};
pub use parameter::Parameter;
pub use time::{Clockface, UnknownZone};

/// The parameters of one kind of event for one integration: which, under which names, in which order.
#[derive(Clone, Debug)]
pub struct Shape {
    columns: Vec<Column>,
    clockface: Clockface,
    numbers: Numbers,
}

/// One parameter and the name it is sent under.
#[derive(Clone, Debug)]
pub struct Column {
    /// The parameter.
    pub parameter: Parameter,
    /// Its name on the wire.
    pub name: Arc<str>,
}

impl Shape {
    /// The shape of a kind for an integration: what is always sent, then the extras it chose.
    pub fn of(kind: EventKind, integration: &Integration) -> Self {
        let chosen = |parameter: &&Parameter| match &integration.extras {
            Extras::None => false,
            Extras::All => true,
            Extras::Some(names) => names.iter().any(|name| name == parameter.name()),
        };
        let columns = Parameter::always(kind)
            .iter()
            .chain(Parameter::extras(kind).iter().filter(chosen))
            .map(|parameter| Column { parameter: *parameter, name: wire_name(*parameter, kind, integration) })
            .collect();
        let numbers = Numbers::of(integration.e164_country.as_deref());
        Self { columns, clockface: Clockface::of(integration), numbers }
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The names and values for an event of this kind, in order.
    pub fn values<'a>(&'a self, event: &'a Event) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        self.columns.iter().map(move |column| (&*column.name, self.value(column.parameter, event)))
    }

    /// The value of any parameter, sent or not: what a placeholder in a URL asks for.
    pub fn value<'a>(&self, parameter: Parameter, event: &'a Event) -> Cow<'a, str> {
        let value = parameter.value(event, &self.clockface);
        match value {
            Cow::Borrowed(number) if parameter.is_outside_number() => self.numbers.write(number),
            value => value,
        }
    }
}

fn wire_name(parameter: Parameter, kind: EventKind, integration: &Integration) -> Arc<str> {
    match &integration.parameter_names {
        ParameterNames::Default => parameter.name().into(),
        ParameterNames::AsPrinted => parameter.printed_name(kind).into(),
        ParameterNames::Map(names) => {
            names.get(parameter.name()).map_or(parameter.name(), String::as_str).into()
        }
    }
}

/// What is sent for an event, in order.
pub fn parameters(event: &Event, integration: &Integration) -> Vec<(String, String)> {
    owned(&Shape::of(event.kind(), integration), event)
}

/// Everything that can be sent for an event, all extras included, under the integration's names and with
/// the values as they would be sent.
pub fn all_parameters(event: &Event, integration: &Integration) -> Vec<(String, String)> {
    let all = Integration { extras: Extras::All, ..integration.clone() };
    owned(&Shape::of(event.kind(), &all), event)
}

fn owned(shape: &Shape, event: &Event) -> Vec<(String, String)> {
    shape.values(event).map(|(name, value)| (name.to_owned(), value.into_owned())).collect()
}
