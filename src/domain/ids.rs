//! Row ids, one type for each resource, so that a line's id is never taken for a plan's.

use super::{Fact, Field, Kind, Resource, Rule, Written, field::Item};

/// The id of a row: a positive whole number that is never given twice.
pub trait Id: Copy + Send + 'static {
    /// From the number in the database.
    fn of(number: i64) -> Self;
    /// The number in the database and on the wire.
    fn number(self) -> i64;
}

/// Reads a decimal id.
///
/// # Errors
/// The rule, for anything but a positive whole number.
pub fn parse_id(text: &str) -> Result<i64, Rule> {
    match text.parse::<i64>() {
        Ok(number) if number > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(number),
        _ => Err("an id, a whole number from 1".into()),
    }
}

macro_rules! id {
    ($(#[doc = $doc:literal] $name:ident of $resource:ident, at most $most:literal;)*) => { $(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl Id for $name {
            fn of(number: i64) -> Self { Self(number) }
            fn number(self) -> i64 { self.0 }
        }

        impl Field for $name {
            const KIND: Kind = Kind::Reference(Resource::$resource);
            fn parse(written: &Written) -> Result<Self, Rule> { parse_id(written.text()?).map(Self) }
            fn fact(&self) -> Fact { Fact::Number(self.0) }
            fn stored(fact: Fact) -> Option<Self> {
                match fact { Fact::Number(number) => Some(Self(number)), _ => None }
            }
        }

        impl Field for Option<$name> {
            const KIND: Kind = Kind::Reference(Resource::$resource);
            // Callers of such APIs write 0 for "none".
            fn parse(written: &Written) -> Result<Self, Rule> {
                match written.text()? { "0" => Ok(None), text => parse_id(text).map(|id| Some($name(id))) }
            }
            fn fact(&self) -> Fact { self.map_or(Fact::None, |id| Fact::Number(id.0)) }
            fn stored(fact: Fact) -> Option<Self> {
                match fact { Fact::None => Some(None), fact => $name::stored(fact).map(Some) }
            }
        }

        impl Item for $name {
            const KIND: Kind = Kind::References(Resource::$resource);
            const MOST: usize = $most;
            fn parse_item(text: &str) -> Result<Self, Rule> { parse_id(text).map(Self) }
            fn list_fact(items: &[Self]) -> Fact { Fact::Ids(items.iter().map(|id| id.0).collect()) }
            fn stored_list(fact: Fact) -> Option<Vec<Self>> {
                match fact { Fact::Ids(ids) => Some(ids.into_iter().map(Self).collect()), _ => None }
            }
        }
    )* };
}

id! {
    /// A line.
    LineId of Line, at most 1000;
    /// A MAG.
    MagId of Mag, at most 1000;
    /// A change of many rows at once.
    BatchId of Batches, at most 1000;
    /// An administrator.
    AdminId of Administrators, at most 1000;
    /// A reseller.
    ResellerId of Resellers, at most 1000;
    /// A server; 1 is the main server.
    ServerId of Servers, at most 1000;
    /// A stream.
    StreamId of Streams, at most 8000;
    /// A subscription plan.
    PlanId of SubscriptionPlans, at most 1000;
    /// A bouquet.
    BouquetId of Bouquets, at most 500;
    /// A category.
    CategoryId of Categories, at most 1000;
    /// A group of administrators; 1 is Administrators, 2 is Resellers.
    GroupId of Groups, at most 1000;
    /// A source of the guide.
    GuideSourceId of GuideSources, at most 1000;
    /// A webhook.
    WebhookId of Webhooks, at most 1000;
    /// A message target.
    MessageTargetId of MessageTargets, at most 1000;
    /// A message.
    MessageId of Messages, at most 1000;
    /// A backup.
    BackupId of Backups, at most 1000;
    /// An API key.
    ApiKeyId of Settings, at most 1000;
    /// The one row of settings.
    SettingsId of Settings, at most 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_positive_whole_number() {
        assert_eq!(parse_id("7"), Ok(7));
        for text in ["0", "-1", "+1", "1.0", "", " 1", "9223372036854775808", "x"] {
            assert!(parse_id(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_optional_reference_reads_zero_as_none() {
        assert_eq!(Option::<PlanId>::parse(&Written::Text("0".into())), Ok(None));
        assert_eq!(Option::<PlanId>::parse(&Written::Text("3".into())), Ok(Some(PlanId(3))));
    }

    #[test]
    fn a_list_of_ids_keeps_its_order_and_each_id_once() {
        let written = Written::List(["3", "1", "3"].map(String::from).to_vec());
        assert_eq!(Vec::<BouquetId>::parse(&written), Ok(vec![BouquetId(3), BouquetId(1)]));
    }

    #[test]
    fn a_list_says_which_entry_is_wrong_and_how_many_it_may_have() {
        let wrong = Written::List(["3", "x"].map(String::from).to_vec());
        assert!(Vec::<BouquetId>::parse(&wrong).unwrap_err().starts_with("entry 2"));
        let many = Written::List((1..=501).map(|n| n.to_string()).collect());
        assert_eq!(Vec::<BouquetId>::parse(&many).unwrap_err(), "at most 500 entries");
    }
}
