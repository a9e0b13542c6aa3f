//! The tokens of Clerk's verdict table (docs of `@clerk/backend` 3.25, run) that the file of vectors does
//! not hold: made here with a key of this run, with the verdicts that Clerk's code gave.

use serde_json::{Value, json};

use crate::clerk_verdicts::Judged;
use crate::signer::{
    AUDIENCE, AUTHORIZED_PARTY, NOW_SECONDS, claims, claims_with, encode, header, hmac_token, sign,
    sign_by_algorithm, sign_parts, sign_text, sign_with_header, signed_part, with,
};

/// Clerk's verdicts on a token.
enum Clerk {
    /// Accepted everywhere.
    Accepts,
    /// The same reason everywhere.
    Refuses(&'static str),
    /// The reason of `verifyToken`, and of `authenticateRequest`.
    RefusesRequest(&'static str, &'static str),
    /// A verdict a profile, and that of `authenticateRequest`.
    Varies([&'static str; 6], &'static str),
}

use Clerk::{Accepts, Refuses, RefusesRequest, Varies};

const AZP: &str = "token-invalid-authorized-parties";
const FAILED: &str = "token-verification-failed";

pub fn made_tokens() -> Vec<Judged> {
    [
        accepted(),
        refused_by_claims(),
        refused_by_header(),
        refused_by_signature(),
        refused_by_form(),
    ]
    .into_iter()
    .flatten()
    .map(|(name, token, clerk)| judge(name, token, &clerk))
    .collect()
}

type Made = (&'static str, String, Clerk);

fn accepted() -> Vec<Made> {
    let organization = json!({"org_id": "org_1", "org_role": "org:admin", "org_slug": "acme",
        "org_permissions": ["org:invoices:read"]});
    let actor = json!({"v": 2, "act": {"iss": "https://dashboard.clerk.com", "sub": "user_admin"}});
    let skewed = Varies(["ok", "ok", "ok", "ok", "ok", "token-not-active-yet"], "ok");
    let long = |bytes: usize| sign(&claims_with(json!({ "blob": "x".repeat(bytes) })));
    vec![
        ("valid_v1_minimal", sign(&claims()), Accepts),
        ("valid_v1_org", sign(&claims_with(organization)), Accepts),
        ("valid_v2_impersonation", sign(&claims_with(actor)), Accepts),
        (
            "valid_with_cat_session",
            sign_category("cl_B7d4PD111AAA", &claims()),
            Accepts,
        ),
        (
            "valid_nbf_within_skew",
            sign(&claims_with(json!({"nbf": NOW_SECONDS + 5}))),
            skewed,
        ),
        (
            "pending_session",
            sign(&claims_with(json!({"v": 2, "sts": "pending"}))),
            Accepts,
        ),
        (
            "active_session_sts",
            sign(&claims_with(json!({"v": 2, "sts": "active"}))),
            Accepts,
        ),
        ("oversized_9k", long(6_500), Accepts),
        ("oversized_200k", long(150_000), Accepts),
        (
            "aud_array_match",
            sign(&claims_with(json!({"aud": ["https://x", AUDIENCE]}))),
            Accepts,
        ),
        ("padded_base64url", padded(), Accepts),
        (
            "crit_header",
            sign_header(json!({"crit": ["exp"]})),
            Accepts,
        ),
    ]
}

fn refused_by_claims() -> Vec<Made> {
    let by_azp = || Varies(["ok", "ok", AZP, AZP, "ok", "ok"], AZP);
    let by_issuer = Varies(["ok", "ok", "ok", "token-invalid-issuer", "ok", "ok"], "ok");
    let slash = format!("{AUTHORIZED_PARTY}/");
    vec![
        (
            "nbf_future",
            sign(&claims_with(json!({"nbf": NOW_SECONDS + 300}))),
            RefusesRequest("token-not-active-yet", "session-token-nbf"),
        ),
        (
            "missing_iss",
            sign(&claims_with(json!({"iss": null}))),
            by_issuer,
        ),
        (
            "azp_trailing_slash",
            sign(&claims_with(json!({ "azp": slash }))),
            by_azp(),
        ),
        (
            "missing_sub",
            sign(&claims_with(json!({"sub": null}))),
            Refuses(FAILED),
        ),
        (
            "numeric_sub",
            sign(&claims_with(json!({"sub": 12345}))),
            Refuses(FAILED),
        ),
    ]
}

fn refused_by_header() -> Vec<Made> {
    let unknown_kid = "jwk-kid-mismatch";
    vec![
        (
            "unknown_kid",
            sign_header(json!({"kid": "ins_unknown"})),
            Varies(
                [
                    "ok",
                    unknown_kid,
                    unknown_kid,
                    unknown_kid,
                    unknown_kid,
                    "ok",
                ],
                unknown_kid,
            ),
        ),
        (
            "es256",
            sign_by_algorithm("ES256", &claims()),
            Refuses("token-invalid-algorithm"),
        ),
        (
            "rs512_same_rsa_key",
            sign_by_algorithm("RS512", &claims()),
            Refuses(FAILED),
        ),
        (
            "rs384_same_rsa_key",
            sign_by_algorithm("RS384", &claims()),
            Refuses(FAILED),
        ),
        (
            "typ_at_jwt",
            sign_header(json!({"typ": "at+jwt"})),
            RefusesRequest("token-invalid", "token-type-mismatch"),
        ),
        (
            "m2m_jwt",
            sign_category("cl_B7d4PD333AAA", &machine_claims()),
            RefusesRequest("token-invalid", "token-type-mismatch"),
        ),
    ]
}

fn refused_by_signature() -> Vec<Made> {
    let reason = "token-invalid-signature";
    let signed = signed_part(
        header().to_string().as_bytes(),
        claims().to_string().as_bytes(),
    );
    let token = sign(&claims());
    let (head, _, signature) = parts(&token);
    let other = encode(
        claims_with(json!({"sub": "user_other"}))
            .to_string()
            .as_bytes(),
    );
    // 252 bytes: whole groups of four characters, so that no stray bits remain.
    let short = &signature[..336];
    vec![
        (
            "hs256_public_key_rs256_header",
            hmac_token(&signed),
            Refuses(reason),
        ),
        (
            "tampered_payload",
            format!("{head}.{other}.{signature}"),
            Refuses(reason),
        ),
        (
            "truncated_signature",
            format!("{signed}.{short}"),
            Refuses(reason),
        ),
    ]
}

fn refused_by_form() -> Vec<Made> {
    let reason = "token-invalid";
    let null_header = Varies(["throws"; 6], "unexpected-error");
    vec![
        (
            "four_parts",
            format!("{}.x", sign(&claims())),
            Refuses(reason),
        ),
        (
            "garbage_three_parts",
            "aaa.bbb.ccc".to_owned(),
            Refuses(reason),
        ),
        (
            "payload_not_json",
            sign_text(&header().to_string(), "not json"),
            Refuses(reason),
        ),
        (
            "payload_json_array",
            sign_text(&header().to_string(), "[1,2]"),
            Refuses(FAILED),
        ),
        (
            "header_json_null",
            sign_text("null", &claims().to_string()),
            null_header,
        ),
    ]
}

fn judge(name: &str, token: String, clerk: &Clerk) -> Judged {
    let (verify_token, request) = match *clerk {
        Accepts => (["ok"; 6], "ok"),
        Refuses(reason) => ([reason; 6], reason),
        RefusesRequest(reason, request) => ([reason; 6], request),
        Varies(verdicts, request) => (verdicts, request),
    };
    Judged {
        name: name.to_owned(),
        token,
        verify_token: verify_token.map(str::to_owned),
        authenticate_request: crate::clerk_verdicts::request_reason(request).to_owned(),
    }
}

fn sign_header(changes: Value) -> String {
    sign_with_header(&with(header(), changes), &claims())
}

fn sign_category(category: &str, claims: &Value) -> String {
    sign_with_header(&with(header(), json!({ "cat": category })), claims)
}

fn machine_claims() -> Value {
    json!({"exp": NOW_SECONDS + 55, "iat": NOW_SECONDS - 5, "iss": crate::signer::ISSUER,
        "sub": "mch_1", "jti": "mt_1", "scopes": "mch_2"})
}

/// Each part padded to a multiple of four, or by one sign where it is one.
fn padded() -> String {
    let pad = |text: &str| format!("{text}{}", "=".repeat(4 - text.len() % 4));
    let signed = signed_part(
        header().to_string().as_bytes(),
        claims().to_string().as_bytes(),
    );
    let (head, payload) = signed.split_once('.').expect("two parts");
    let token = sign_parts(&format!("{}.{}", pad(head), pad(payload)));
    format!("{token}==")
}

fn parts(token: &str) -> (&str, &str, &str) {
    let mut parts = token.split('.');
    let mut next = || parts.next().expect("three parts");
    (next(), next(), next())
}
