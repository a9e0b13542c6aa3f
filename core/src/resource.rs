//! Clerk's objects as rows: typed columns for what policies and joins need, the whole object beside them.
//!
//! The same for webhooks and for pages of the Backend API, whose objects have the same fields. Columns
//! have Clerk's names; times are milliseconds, as Clerk writes them. A field is read by one of three
//! rules: it must be there; it may be absent, but null is an error; it may be absent or null, which is
//! None. A value of another type is always an error. Fields that are not read may hold anything.

mod domain;
mod fields;
mod invitation;
mod json_object;
mod membership;
mod organization;
mod permission;
mod role;
mod session;
mod subscription;
mod user;

use serde::Serialize;
use serde_json::value::RawValue;

pub use domain::Domain;
pub(crate) use fields::is_identifier;
pub use fields::{FieldError, Problem};
pub use invitation::Invitation;
pub use json_object::JsonObject;
pub use membership::Membership;
pub use organization::Organization;
pub use permission::Permission;
pub use role::Role;
pub use session::Session;
pub use subscription::{Subscription, SubscriptionItem};
pub use user::User;

use crate::json_text::inspect;
use crate::time::UnixMillis;
use fields::Fields;

/// How many levels of arrays and objects an event or an object may have. Clerk's have 7 and what is in
/// metadata; serde_json stops at 128, Postgres where its stack ends.
pub const MAX_NESTING: usize = 100;

/// A kind of object that is mirrored.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A user.
    User,
    /// An organization.
    Organization,
    /// A user's membership in an organization.
    Membership,
    /// An invitation to an organization.
    Invitation,
    /// A domain of an organization.
    Domain,
    /// A role in organizations.
    Role,
    /// A permission that roles give.
    Permission,
    /// A session of a user.
    Session,
    /// A subscription of a user or organization.
    Subscription,
}

/// An object, read. Serialises to its columns alone, without a tag and without `data`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "each holds the record of its name")]
pub enum Record {
    User(User),
    Organization(Organization),
    Membership(Membership),
    Invitation(Invitation),
    Domain(Domain),
    Role(Role),
    Permission(Permission),
    Session(Session),
    Subscription(Subscription),
}

/// An object that is gone: what a tombstone needs, and nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deletion {
    /// What it was.
    #[serde(skip)]
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// For a membership, whose deletion comes with the whole object: its organization.
    pub organization_id: Option<String>,
    /// For a membership: its user.
    pub user_id: Option<String>,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::User,
        Self::Organization,
        Self::Membership,
        Self::Invitation,
        Self::Domain,
        Self::Role,
        Self::Permission,
        Self::Session,
        Self::Subscription,
    ];

    /// The kind of a name: that of its table, or, for what belongs to organizations, the last word of it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            let table = kind.table();
            table == name || table.strip_prefix("organization_") == Some(name)
        })
    }

    /// `object` of such an object, in Clerk's spelling.
    pub fn object_name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
            Self::Membership => "organization_membership",
            Self::Invitation => "organization_invitation",
            Self::Domain => "organization_domain",
            Self::Role => "role",
            Self::Permission => "permission",
            Self::Session => "session",
            Self::Subscription => "commerce_subscription",
        }
    }

    /// The table that mirrors such objects, in the schema `clerk`.
    pub fn table(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Organization => "organizations",
            Self::Membership => "organization_memberships",
            Self::Invitation => "organization_invitations",
            Self::Domain => "organization_domains",
            Self::Role => "roles",
            Self::Permission => "permissions",
            Self::Session => "sessions",
            Self::Subscription => "subscriptions",
        }
    }
}

impl Record {
    /// Reads an object from its JSON text: `data` of an event, or an element of a page of the Backend API.
    ///
    /// # Errors
    /// The first field that is missing, lies about its type or is nothing that jsonb can hold.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, FieldError> {
        let object = parse_object(text)?;
        check_holdable(object)?;
        Self::read(kind, object)
    }

    /// Reads an object of the Backend API that belongs to these, which the object itself may leave out: a subscription
    /// does not name its payer there.
    ///
    /// # Errors
    /// As [`Record::parse`].
    pub fn parse_owned(
        kind: Kind,
        text: &str,
        user_id: Option<&str>,
        organization_id: Option<&str>,
    ) -> Result<Self, FieldError> {
        let mut record = Self::parse(kind, text)?;
        if let Self::Subscription(subscription) = &mut record
            && subscription.user_id.is_none()
            && subscription.organization_id.is_none()
        {
            subscription.user_id = user_id.map(str::to_owned);
            subscription.organization_id = organization_id.map(str::to_owned);
        }
        Ok(record)
    }

    /// Reads an object that jsonb can hold.
    pub(crate) fn read(kind: Kind, object: &RawValue) -> Result<Self, FieldError> {
        let fields = &read_fields(kind, object)?;
        let data =
            JsonObject::of(object).ok_or_else(|| FieldError::new("data", Problem::NotObject))?;
        Ok(match kind {
            Kind::User => Self::User(User::read(fields, data)?),
            Kind::Organization => Self::Organization(Organization::read(fields, data)?),
            Kind::Membership => Self::Membership(Membership::read(fields, data)?),
            Kind::Invitation => Self::Invitation(Invitation::read(fields, data)?),
            Kind::Domain => Self::Domain(Domain::read(fields, data)?),
            Kind::Role => Self::Role(Role::read(fields, data)?),
            Kind::Permission => Self::Permission(Permission::read(fields, data)?),
            Kind::Session => Self::Session(Session::read(fields, data)?),
            Kind::Subscription => Self::Subscription(Subscription::read(fields, data)?),
        })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::User(_) => Kind::User,
            Self::Organization(_) => Kind::Organization,
            Self::Membership(_) => Kind::Membership,
            Self::Invitation(_) => Kind::Invitation,
            Self::Domain(_) => Kind::Domain,
            Self::Role(_) => Kind::Role,
            Self::Permission(_) => Kind::Permission,
            Self::Session(_) => Kind::Session,
            Self::Subscription(_) => Kind::Subscription,
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.essentials().0
    }

    /// When it was changed last, by Clerk's clock.
    pub fn updated_at(&self) -> UnixMillis {
        self.essentials().1
    }

    /// The whole object.
    pub fn data(&self) -> &JsonObject {
        self.essentials().2
    }

    /// Whether it is a session that somebody ended.
    pub(crate) fn is_ended_session(&self) -> bool {
        matches!(self, Self::Session(o) if ["ended", "removed", "revoked"].contains(&o.status.as_str()))
    }

    /// Ids of the user and the organization that it belongs to, where it names them: with either of them it is gone.
    /// Who merely made it (an inviter, a creator) is not among them.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        let (user, organization) = self.owner_ids();
        user.into_iter().chain(organization)
    }

    /// The same: the user, and the organization.
    pub fn owner_ids(&self) -> (Option<&str>, Option<&str>) {
        let (user, organization) = match self {
            Self::Membership(o) => (Some(&o.user_id), Some(&o.organization_id)),
            Self::Invitation(o) => (o.user_id.as_ref(), o.organization_id.as_ref()),
            Self::Domain(o) => (None, Some(&o.organization_id)),
            Self::Session(o) => (Some(&o.user_id), None),
            Self::Subscription(o) => (o.user_id.as_ref(), o.organization_id.as_ref()),
            Self::User(_) | Self::Organization(_) | Self::Role(_) | Self::Permission(_) => {
                (None, None)
            }
        };
        (user.map(String::as_str), organization.map(String::as_str))
    }

    fn essentials(&self) -> (&str, UnixMillis, &JsonObject) {
        match self {
            Self::User(record) => (&record.id, record.updated_at, &record.data),
            Self::Organization(record) => (&record.id, record.updated_at, &record.data),
            Self::Membership(record) => (&record.id, record.updated_at, &record.data),
            Self::Invitation(record) => (&record.id, record.updated_at, &record.data),
            Self::Domain(record) => (&record.id, record.updated_at, &record.data),
            Self::Role(record) => (&record.id, record.updated_at, &record.data),
            Self::Permission(record) => (&record.id, record.updated_at, &record.data),
            Self::Session(record) => (&record.id, record.updated_at, &record.data),
            Self::Subscription(record) => (&record.id, record.updated_at, &record.data),
        }
    }
}

impl Deletion {
    /// Reads the data of a deletion: Clerk's `{"id", "object", "deleted"}`, or, for a membership, the whole
    /// object. None where it names no id, which Clerk's schema allows.
    ///
    /// # Errors
    /// A field lies about its type, or `deleted` is false.
    pub fn parse(kind: Kind, text: &str) -> Result<Option<Self>, FieldError> {
        let object = parse_object(text)?;
        check_holdable(object)?;
        Self::read(kind, object)
    }

    /// Reads a deletion that jsonb can hold.
    pub(crate) fn read(kind: Kind, object: &RawValue) -> Result<Option<Self>, FieldError> {
        let fields = read_fields(kind, object)?;
        if fields.flag_if_present("deleted")? == Some(false) {
            return Err(FieldError::new("deleted", Problem::NotDeleted));
        }
        let (organization_id, user_id) = match kind {
            Kind::Membership => (
                fields
                    .object_or_null("organization")?
                    .map_or(Ok(None), |organization| {
                        organization.identifier_or_null("id")
                    })?,
                fields
                    .object_or_null("public_user_data")?
                    .map_or(Ok(None), |user| user.identifier_or_null("user_id"))?,
            ),
            _ => (None, None),
        };
        Ok(fields.identifier_or_null("id")?.map(|id| Self {
            kind,
            id,
            organization_id,
            user_id,
        }))
    }
}

fn parse_object(text: &str) -> Result<&RawValue, FieldError> {
    serde_json::from_str(text).map_err(|_| FieldError::new("data", Problem::NotObject))
}

/// Refuses what jsonb cannot hold, by the name of the field.
pub(crate) fn check_holdable(object: &RawValue) -> Result<(), FieldError> {
    let findings = inspect(object.get());
    if findings.nesting > MAX_NESTING {
        return Err(FieldError::new("data", Problem::TooDeep));
    }
    match findings.unholdable {
        None => Ok(()),
        Some(problem) => {
            let name = Fields::of(object)
                .map_or_else(|| "data".into(), |fields| fields.name_of_unholdable());
            Err(FieldError::new(name, problem))
        }
    }
}

/// The id of an object, if that is one.
pub(crate) fn read_id(object: &RawValue) -> Option<String> {
    Fields::of(object)?.identifier("id").ok()
}

/// The fields of an object that does not claim to be of another kind.
fn read_fields(kind: Kind, object: &RawValue) -> Result<Fields<'_>, FieldError> {
    let fields = Fields::of(object).ok_or_else(|| FieldError::new("data", Problem::NotObject))?;
    let name = fields.text_if_present("object")?;
    // Clerk's own documents write a name with underscores here and in camel case there.
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let expected = kind.object_name();
    match name {
        Some(name) if name != expected && plain(&name) != plain(expected) => {
            Err(FieldError::new("object", Problem::WrongObject))
        }
        _ => Ok(fields),
    }
}
