//! What each path of the Backend API answers when all is well.

use super::Settings;
use super::answer::Answer;
use super::collection::{Index, Object};
use super::kind::Kind;
use super::query::Query;
use super::selection::{Range, select, sort_key};
use super::world::World;
use serde_json::{Value, json};

/// What users may be ordered by.
const USER_ORDERS: [&str; 10] = [
    "created_at",
    "updated_at",
    "email_address",
    "web3wallet",
    "first_name",
    "last_name",
    "phone_number",
    "username",
    "last_active_at",
    "last_sign_in_at",
];

/// Answers a GET, or refuses it.
pub(super) fn answer(
    world: &World,
    settings: &Settings,
    path: &str,
    query: &str,
) -> Result<Answer, Answer> {
    let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    let is_of_organizations = |part: &&str| part.starts_with("organization");
    if !settings.organizations && parts.iter().any(is_of_organizations) {
        return Err(Answer::not_found("organizations"));
    }
    match *parts {
        ["users"] => users(world, settings, query),
        ["users", "count"] => count(world, query),
        ["users", id] => one(world, Kind::User, id),
        ["organizations"] => organizations(world, query),
        ["organizations", id] => one(world, Kind::Organization, id),
        ["users", id, "organization_memberships"] => {
            belongings(world, Kind::Membership, Kind::User, id, query)
        }
        ["organizations", id, "memberships"] => {
            belongings(world, Kind::Membership, Kind::Organization, id, query)
        }
        ["organizations", id, "invitations"] => {
            belongings(world, Kind::Invitation, Kind::Organization, id, query)
        }
        ["organizations", id, "domains"] => {
            belongings(world, Kind::Domain, Kind::Organization, id, query)
        }
        ["organizations", id, "invitations", invitation] => {
            let found = one(world, Kind::Invitation, invitation)?;
            let object = world.of(Kind::Invitation).get(invitation);
            match object.is_some_and(|object| object.organization.as_deref() == Some(id)) {
                true => Ok(found),
                false => Err(Answer::not_found("invitation")),
            }
        }
        ["users", id, "billing", "subscription"] => subscription(world, Kind::User, id),
        ["organizations", id, "billing", "subscription"] => {
            subscription(world, Kind::Organization, id)
        }
        [
            name @ ("organization_memberships"
            | "organization_invitations"
            | "organization_domains"
            | "organization_roles"
            | "organization_permissions"),
        ] => {
            let kind = Kind::of_name(name).map_err(|_| Answer::not_found(name))?;
            let query = Query::parse(query, &["limit", "offset", "order_by"])?;
            enveloped(world, kind, world.of(kind).by_creation(), &query)
        }
        _ => Err(Answer::not_found("the resource")),
    }
}

fn users(world: &World, settings: &Settings, query: &str) -> Result<Answer, Answer> {
    let known = [
        "limit",
        "offset",
        "order_by",
        "starting_after",
        "user_id",
        "created_at_after",
        "created_at_before",
    ];
    let query = Query::parse(query, &known)?;
    let page = query.page(&USER_ORDERS)?;
    let collection = world.of(Kind::User);
    let mut range = times(&query)?;
    if let Some(cursor) = query.text("starting_after") {
        if page.field != "created_at" || page.offset > 0 {
            let problem = "goes with an order by created_at and without an offset only";
            return Err(Answer::invalid("starting_after", problem));
        }
        let Some((id, object)) = collection.entry(cursor) else {
            return match &*settings.unknown_cursor {
                "422" => Err(Answer::invalid("starting_after", "is not a user")),
                "empty" => Ok(Answer::of("[]".to_owned())),
                _ => Err(Answer::not_found("the user of starting_after")),
            };
        };
        range = range.from((object.created_at, id.clone()), page.is_descending);
    }
    let named = named_users(world, &query)?;
    let index = named.as_ref().unwrap_or_else(|| collection.by_creation());
    let objects = select(collection, index, &range, &page, |_, object| {
        sort_key(&page.field, object)
    });
    Ok(Answer::of(array(&objects)))
}

fn count(world: &World, query: &str) -> Result<Answer, Answer> {
    let query = Query::parse(query, &["user_id", "created_at_after", "created_at_before"])?;
    let range = times(&query)?;
    let named = named_users(world, &query)?;
    let all = world.of(Kind::User).by_creation();
    let total = range.of(named.as_ref().unwrap_or(all)).count();
    let body = json!({"object": "total_count", "total_count": total});
    Ok(Answer::of(body.to_string()))
}

fn times(query: &Query) -> Result<Range, Answer> {
    Ok(Range::of_times(
        query.number("created_at_after", 0..=i64::MAX)?,
        query.number("created_at_before", 0..=i64::MAX)?,
    ))
}

/// The users that the query names, if it names any.
fn named_users(world: &World, query: &Query) -> Result<Option<Index>, Answer> {
    let Some(ids) = query.user_ids()? else {
        return Ok(None);
    };
    let found = ids
        .into_iter()
        .filter_map(|id| world.of(Kind::User).entry(id));
    let keys = found.map(|(id, object)| (object.created_at, id.clone()));
    Ok(Some(keys.collect()))
}

fn organizations(world: &World, query: &str) -> Result<Answer, Answer> {
    let known = ["limit", "offset", "order_by", "include_members_count"];
    let query = Query::parse(query, &known)?;
    let page = query.page(&["created_at", "name", "members_count"])?;
    let collection = world.of(Kind::Organization);
    let members = |id: &str| {
        let index = world.of(Kind::Membership).of_organization(id);
        index.map_or(0, Index::len)
    };
    let index = collection.by_creation();
    let objects = select(
        collection,
        index,
        &Range::default(),
        &page,
        |id, object| match &*page.field {
            "members_count" => (i64::try_from(members(id)).unwrap_or(0), String::new()),
            field => sort_key(field, object),
        },
    );
    if query.text("include_members_count") != Some("true") {
        return Ok(envelope(&array(&objects), index.len()));
    }
    let counted = |object: &&Object| {
        let mut value = object.value();
        value["members_count"] = json!(members(value["id"].as_str().unwrap_or_default()));
        value
    };
    let values: Vec<Value> = objects.iter().map(counted).collect();
    Ok(envelope(&json!(values).to_string(), index.len()))
}

/// A list of what a user or an organization has.
fn belongings(
    world: &World,
    kind: Kind,
    owner: Kind,
    id: &str,
    query: &str,
) -> Result<Answer, Answer> {
    let mut known = vec!["limit", "offset", "order_by"];
    if (kind, owner) == (Kind::Membership, Kind::Organization) {
        known.push("user_id");
    }
    let query = Query::parse(query, &known)?;
    one(world, owner, id)?;
    let nothing = Index::new();
    let index = world.index(kind, owner, id).unwrap_or(&nothing);
    let Some(users) = query.user_ids()? else {
        return enveloped(world, kind, index, &query);
    };
    let is_named = |id: &str| {
        let object = world.of(kind).get(id);
        object
            .and_then(|object| object.user.as_deref())
            .is_some_and(|user| users.contains(&user))
    };
    let named = index.iter().filter(|key| is_named(&key.1)).cloned();
    enveloped(world, kind, &named.collect(), &query)
}

fn enveloped(world: &World, kind: Kind, index: &Index, query: &Query) -> Result<Answer, Answer> {
    let page = query.page(&["created_at"])?;
    let objects = select(
        world.of(kind),
        index,
        &Range::default(),
        &page,
        |_, object| sort_key(&page.field, object),
    );
    Ok(envelope(&array(&objects), index.len()))
}

fn envelope(data: &str, total: usize) -> Answer {
    Answer::of(format!(r#"{{"data":{data},"total_count":{total}}}"#))
}

fn array(objects: &[&Object]) -> String {
    let length: usize = objects.iter().map(|object| object.text.len() + 1).sum();
    let mut text = String::with_capacity(length + 2);
    text.push('[');
    for (place, object) in objects.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&object.text);
    }
    text.push(']');
    text
}

fn one(world: &World, kind: Kind, id: &str) -> Result<Answer, Answer> {
    let object = world.of(kind).get(id);
    object
        .map(|object| Answer::of(object.text.to_string()))
        .ok_or_else(|| Answer::not_found(id))
}

/// The latest subscription of a user or an organization.
fn subscription(world: &World, payer: Kind, id: &str) -> Result<Answer, Answer> {
    one(world, payer, id)?;
    let index = world.index(Kind::Subscription, payer, id);
    let latest = index.and_then(|index| index.last());
    let (_, subscription) = latest.ok_or_else(|| Answer::not_found("a subscription"))?;
    one(world, Kind::Subscription, subscription)
}
