//! What a test tells the server to do: the paths under `/control/`.

use super::answer::Answer;
use super::fault::Plan;
use super::generator::generate;
use super::kind::Kind;
use super::world::World;
use super::{State, churn};
use crate::Outcome;
use crate::server::Request;
use serde_json::{Value, json};

/// Each path and what it does; part of the text of `clerk-testing help`.
pub const CONTROLS: &[(&str, &str)] = &[
    (
        "POST generate",
        r#"{"kind":"users","count":20000,"from":0}: objects by number"#,
    ),
    (
        "POST put",
        r#"{"kind","object":{}}: inserts or replaces; answers events"#,
    ),
    (
        "POST update",
        r#"{"kind","id","set":{}}: lays members over; answers events"#,
    ),
    (
        "POST delete",
        r#"{"kind","id"}: with what belongs to it; answers events"#,
    ),
    (
        "POST churn",
        r#"{"count","seed"}: random operations; answers events"#,
    ),
    (
        "POST at",
        r#"{"path","request":3,"operations":[{"operation":"delete",...}]}: before that request from now"#,
    ),
    ("GET events", "the events of those operations, once"),
    (
        "POST fault",
        r#"{"path" or "*","fault","skip":0,"times":1,"code","retry_after","seconds"}"#,
    ),
    ("POST heal", "drops all faults and operations to come"),
    (
        "POST set",
        r#"{"rate_limit":100 or null,"unknown_cursor":"404"|"422"|"empty","organizations":true}"#,
    ),
    (
        "GET objects",
        "?kind=users: id, updated_at and owners, as JSON lines",
    ),
    ("GET requests", "counts of the requests under /v1"),
    ("POST forget", "begins to count anew"),
];

/// Operations that are performed just before a request is answered.
pub(super) struct Interruption {
    path: String,
    /// How many requests from now, this one included.
    request: u64,
    operations: Vec<Value>,
}

impl Interruption {
    fn read(value: &Value) -> Outcome<Self> {
        Ok(Self {
            path: text(value, "path")?.to_owned(),
            request: value["request"].as_u64().unwrap_or(1).max(1),
            operations: value["operations"]
                .as_array()
                .ok_or("operations are missing")?
                .clone(),
        })
    }

    /// Counts a request, and gives the operations whose time has come.
    pub(super) fn next(all: &mut Vec<Self>, path: &str) -> Vec<Value> {
        let mut due = Vec::new();
        for interruption in all.iter_mut() {
            if interruption.path == path || interruption.path == "*" {
                interruption.request -= 1;
                if interruption.request == 0 {
                    due.append(&mut interruption.operations);
                }
            }
        }
        all.retain(|interruption| interruption.request > 0);
        due
    }
}

/// Does what a request to `/control/...` says.
pub(super) fn control(state: &mut State, request: &Request) -> Answer {
    perform(state, request).unwrap_or_else(|failure| {
        Answer::refusal("400 Bad Request", "control", &failure.to_string())
    })
}

fn perform(state: &mut State, request: &Request) -> Outcome<Answer> {
    let name = request.path.trim_start_matches("/control/");
    let value: Value = match request.body.is_empty() {
        true => json!({}),
        false => serde_json::from_slice(&request.body)?,
    };
    match (&*request.method, name) {
        ("POST", "generate" | "put" | "update" | "delete" | "churn") => {
            let events = operate(&mut state.world, name, &value)?;
            return Ok(lines(&events));
        }
        ("POST", "at") => state.interruptions.push(Interruption::read(&value)?),
        ("POST", "fault") => state.faults.push(Plan::read(&value)?),
        ("POST", "heal") => {
            state.faults.clear();
            state.interruptions.clear();
        }
        ("POST", "set") => state.settings.set(&value)?,
        ("POST", "forget") => state.traffic.forget(),
        ("GET", "events") => return Ok(lines(&std::mem::take(&mut state.events))),
        ("GET", "requests") => return Ok(Answer::of(state.traffic.report().to_string())),
        ("GET", "objects") => {
            let kind = request
                .query
                .strip_prefix("kind=")
                .ok_or("kind is missing")?;
            return Ok(lines(&objects(&state.world, Kind::of_name(kind)?)));
        }
        (method, _) => return Err(format!("no {method} of {name:?}").into()),
    }
    Ok(Answer::of("{}".to_owned()))
}

/// Performs an operation and gives its events.
pub(super) fn operate(world: &mut World, name: &str, value: &Value) -> Outcome<Vec<String>> {
    if name == "churn" {
        let count = value["count"].as_u64().ok_or("count is missing")?;
        return churn::churn(world, count, value["seed"].as_u64().unwrap_or(0));
    }
    let kind = Kind::of_name(text(value, "kind")?)?;
    match name {
        "generate" => {
            let count = value["count"].as_u64().ok_or("count is missing")?;
            generate(world, kind, value["from"].as_u64().unwrap_or(0), count)?;
            Ok(Vec::new())
        }
        "put" => world.put(kind, &value["object"]),
        "update" => {
            let members = value["set"].as_object().ok_or("set is missing")?;
            world.update(kind, text(value, "id")?, members)
        }
        "delete" => world.delete(kind, text(value, "id")?),
        _ => Err(format!("no operation {name:?}").into()),
    }
}

fn objects(world: &World, kind: Kind) -> Vec<String> {
    let line = |(id, object): (&_, &super::collection::Object)| {
        let id: &std::sync::Arc<str> = id;
        let mut line = json!({"id": **id, "updated_at": object.updated_at});
        if let Some(user) = &object.user {
            line["user_id"] = json!(**user);
        }
        if let Some(organization) = &object.organization {
            line["organization_id"] = json!(**organization);
        }
        line.to_string()
    };
    world.of(kind).objects().map(line).collect()
}

fn text<'v>(value: &'v Value, name: &str) -> Outcome<&'v str> {
    value[name]
        .as_str()
        .ok_or_else(|| format!("{name} is missing").into())
}

fn lines(texts: &[String]) -> Answer {
    let mut body = String::new();
    for text in texts {
        body.push_str(text);
        body.push('\n');
    }
    Answer::new("200 OK", "application/x-ndjson", body)
}
