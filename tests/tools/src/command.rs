//! The commands of `clerk-testing`: what a person or a script types, and what is printed.

use crate::arguments::Arguments;
use crate::key::TestKey;
use crate::server::{self, Endpoint};
use crate::token::{Recipe, batch};
use crate::{Failure, Outcome, backend, history, verify, webhook};
use serde_json::{Map, Value};
use std::io::{BufRead, BufWriter, Read, Write, stdin};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const HELP: &str = "\
clerk-testing: plays Clerk for the tests of clerk_sync

clerk-testing key new --kid KID --out DIR [--bits 2048|3072|4096]
    Writes DIR/private.pem (PKCS#8, mode 0600), DIR/public.pem and DIR/jwks.json.

clerk-testing sign --key DIR [--kid K] [--issuer U] [--at UNIX] [--lifetime S] [--claims JSON] [--header JSON]
    Prints one session token. --claims and --header are laid over the defaults, member by member; null takes a
    member out. The header's alg is obeyed: RS256, RS384, RS512, PS256, HS256 (keyed with the public key's PEM:
    the classic confusion), none (empty signature); any other name is written as it is and signed as RS256.

clerk-testing sign-many --key DIR --count N [--users M] [--format copy|pgbench] [--kid K] [--issuer U] [--at UNIX]
                        [--lifetime S] [--claims JSON]
    Prints N different tokens of M users, one a line.
    copy: number, user id and token, tab separated, numbered from 1, for COPY ... FROM.
    pgbench: SET LOCAL clerk_sync.token = '...'; for a pgbench script.

clerk-testing sign-webhook --secret WHSEC --id ID [--at UNIX]
    Reads the body of a delivery and prints its headers, a JSON object, as Svix signs for Clerk.

clerk-testing sign-events --secret WHSEC [--prefix msg_]
    Reads events, one a line, and prints for each a line of SQL that delivers it to clerk.receive_webhook, signed now
    under the prefix and its number from 1, and gives the status.

clerk-testing history --seed N --secret WHSEC --payloads DIR --out DIR [--events 400] [--at UNIX]
    Tells a random history. Writes to DIR: deliveries.sql, a line for each delivery that calls clerk.receive_webhook
    and gives its id, status and outcome; events.jsonl and expected.jsonl, what happened and what must be there
    afterwards.

clerk-testing bench-verify --key DIR [--rounds 5]
    Reads tokens, one a line, and prints how long aws-lc's bare RS256 check of one takes, in microseconds, as the median
    of the rounds: with a key that is parsed once, parsed from DER each time, built from its components each time.
    Only a release build tells anything.

clerk-testing serve --jwks FILE [--port 0] [--port-file F] [--tls-dir DIR] [--api-key KEY]
    Serves on 127.0.0.1 until it is killed; writes the port to F when it is ready. With --tls-dir it speaks HTTPS
    under a certificate for localhost and 127.0.0.1, and writes its authority to DIR/ca.pem. With --api-key it plays
    Clerk's Backend API of version 2026-05-12 under /v1/, of the instance whose id is the kid of the first key, with
    what is put there by way of /control/. The paths are:
";

/// Runs one command. `words` are the arguments after the program's name.
pub fn run(words: &[String]) -> Outcome<()> {
    let names: Vec<&str> = words.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["key", "new", ..] => key_new(&words[2..]),
        ["sign", ..] => sign(&words[1..]),
        ["sign-many", ..] => sign_many(&words[1..]),
        ["sign-webhook", ..] => sign_webhook(&words[1..]),
        ["sign-events", ..] => sign_events(&words[1..]),
        ["history", ..] => tell_history(&words[1..]),
        ["bench-verify", ..] => bench_verify(&words[1..]),
        ["serve", ..] => serve(&words[1..]),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            print_table(server::PATHS);
            println!("    Under /control/, with JSON bodies and without a key:");
            print_table(backend::CONTROLS);
            println!("    The faults are:");
            print_table(backend::FAULTS);
            Ok(())
        }
        [] => Err("a command is missing; see clerk-testing help".into()),
        [other, ..] => Err(format!("unknown command {other:?}; see clerk-testing help").into()),
    }
}

fn print_table(rows: &[(&str, &str)]) {
    for (name, meaning) in rows {
        println!("      {name:24} {meaning}");
    }
}

fn key_new(words: &[String]) -> Outcome<()> {
    let arguments = Arguments::parse(words, &["kid", "out", "bits"])?;
    let directory = Path::new(arguments.required("out")?);
    let key = TestKey::generate(arguments.number("bits", 2048)?)?;
    key.save(directory, arguments.required("kid")?)
}

fn sign(words: &[String]) -> Outcome<()> {
    let known = ["key", "kid", "claims", "header", "issuer", "at", "lifetime"];
    let arguments = Arguments::parse(words, &known)?;
    let (key, recipe) = recipe(&arguments)?;
    println!("{}", recipe.sign(&key)?);
    Ok(())
}

fn sign_many(words: &[String]) -> Outcome<()> {
    let known = [
        "key", "kid", "claims", "header", "issuer", "at", "lifetime", "count", "users", "format",
    ];
    let arguments = Arguments::parse(words, &known)?;
    let (key, recipe) = recipe(&arguments)?;
    let count: u64 = arguments
        .required("count")?
        .parse()
        .map_err(|_| "--count is no number")?;
    let users = arguments.number("users", count)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let format = arguments.text("format").unwrap_or("copy");
    if !["copy", "pgbench"].contains(&format) {
        return Err(format!("--format {format:?} is neither copy nor pgbench").into());
    }
    batch(&recipe, &key, count, users, |number, user, token| {
        match format {
            "pgbench" => writeln!(out, "SET LOCAL clerk_sync.token = '{token}';"),
            _ => writeln!(out, "{number}\t{user}\t{token}"),
        }
        .map_err(Failure::from)
    })?;
    Ok(out.flush()?)
}

fn sign_webhook(words: &[String]) -> Outcome<()> {
    let arguments = Arguments::parse(words, &["secret", "id", "at"])?;
    let mut body = Vec::new();
    stdin().lock().read_to_end(&mut body)?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let headers = webhook::headers(
        arguments.required("secret")?,
        arguments.required("id")?,
        arguments.number("at", now)?,
        &body,
    )?;
    println!("{headers}");
    Ok(())
}

fn sign_events(words: &[String]) -> Outcome<()> {
    let arguments = Arguments::parse(words, &["secret", "prefix"])?;
    let secret = arguments.required("secret")?;
    let prefix = arguments.text("prefix").unwrap_or("msg_");
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (event, number) in stdin().lock().lines().zip(1..) {
        let event = event?;
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let id = format!("{prefix}{number}");
        let headers = webhook::headers(secret, &id, now, event.as_bytes())?.to_string();
        writeln!(
            out,
            "SELECT status FROM clerk.receive_webhook('{}','{}');",
            headers.replace('\'', "''"),
            event.replace('\'', "''"),
        )?;
    }
    Ok(out.flush()?)
}

fn tell_history(words: &[String]) -> Outcome<()> {
    let known = ["seed", "secret", "payloads", "out", "events", "at"];
    let arguments = Arguments::parse(words, &known)?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let history = history::history(
        arguments.number("seed", 0)?,
        arguments.number("events", 400)?,
        arguments.required("secret")?,
        arguments.number("at", now)?,
        Path::new(arguments.required("payloads")?),
    )?;
    let directory = Path::new(arguments.required("out")?);
    let mut deliveries = String::new();
    for delivery in &history.deliveries {
        deliveries.push_str(&format!(
            "SELECT '{}', status, outcome FROM clerk.receive_webhook('{}', '{}');\n",
            delivery.id,
            delivery.headers,
            delivery.body.replace('\'', "''"),
        ));
    }
    std::fs::write(directory.join("deliveries.sql"), deliveries)?;
    std::fs::write(directory.join("events.jsonl"), lines(&history.events))?;
    std::fs::write(directory.join("expected.jsonl"), lines(&history.expected))?;
    Ok(())
}

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

fn bench_verify(words: &[String]) -> Outcome<()> {
    let arguments = Arguments::parse(words, &["key", "rounds"])?;
    let (key, _) = TestKey::load(Path::new(arguments.required("key")?))?;
    let tokens: Vec<String> = stdin().lock().lines().collect::<Result<_, _>>()?;
    let cost = verify::measure(&key, &tokens, arguments.number("rounds", 5)?)?;
    println!("prepared {:.2}", cost.prepared);
    println!("from_der {:.2}", cost.from_der);
    println!("from_components {:.2}", cost.from_components);
    Ok(())
}

fn serve(words: &[String]) -> Outcome<()> {
    let arguments = Arguments::parse(words, &["port", "port-file", "jwks", "tls-dir", "api-key"])?;
    let mut endpoint = Endpoint::bind(
        arguments.number("port", 0)?,
        PathBuf::from(arguments.required("jwks")?),
        arguments.text("tls-dir").map(Path::new),
    )?;
    if let Some(key) = arguments.text("api-key") {
        endpoint.play_backend(key);
    }
    if let Some(file) = arguments.text("port-file") {
        // Renamed into place, so that a script that waits for the file never reads half a number.
        let unfinished = format!("{file}.part");
        std::fs::write(&unfinished, format!("{}\n", endpoint.port()))?;
        std::fs::rename(&unfinished, file)?;
    }
    endpoint.serve()
}

fn recipe(arguments: &Arguments) -> Outcome<(TestKey, Recipe)> {
    let (key, kid) = TestKey::load(Path::new(arguments.required("key")?))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut recipe = Recipe::new(
        arguments.text("kid").unwrap_or(&kid),
        arguments.number("at", i64::try_from(now)?)?,
    );
    if let Some(issuer) = arguments.text("issuer") {
        recipe.issuer = issuer.to_owned();
    }
    recipe.lifetime = arguments.number("lifetime", recipe.lifetime)?;
    recipe.claims = object(arguments, "claims")?;
    recipe.header = object(arguments, "header")?;
    Ok((key, recipe))
}

fn object(arguments: &Arguments, name: &str) -> Outcome<Map<String, Value>> {
    match arguments.text(name) {
        None => Ok(Map::new()),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| format!("--{name} is no JSON object: {error}").into()),
    }
}
