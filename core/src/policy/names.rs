//! Names and texts written into SQL: quoted, and never longer than Postgres keeps them.

use super::refusal::Refusal;

/// The longest name that Postgres keeps, in bytes (`NAMEDATALEN` less one).
pub const LONGEST_NAME: usize = 63;

/// Keywords that an identifier must be quoted to be: those that `pg_get_keywords()` does not call
/// unreserved, of Postgres 14 to 18. Sorted.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric",
    "authorization", "between", "bigint", "binary", "bit", "boolean", "both", "case", "cast",
    "char", "character", "check", "coalesce", "collate", "collation", "column", "concurrently",
    "constraint", "create", "cross", "current_catalog", "current_date", "current_role",
    "current_schema", "current_time", "current_timestamp", "current_user", "dec", "decimal",
    "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists",
    "extract", "false", "fetch", "float", "for", "foreign", "freeze", "from", "full", "grant",
    "greatest", "group", "grouping", "having", "ilike", "in", "initially", "inner", "inout",
    "int", "integer", "intersect", "interval", "into", "is", "isnull", "join", "json",
    "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg", "json_query",
    "json_scalar", "json_serialize", "json_table", "json_value", "lateral", "leading", "least",
    "left", "like", "limit", "localtime", "localtimestamp", "merge_action", "national",
    "natural", "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric",
    "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing",
    "position", "precision", "primary", "real", "references", "returning", "right", "row",
    "select", "session_user", "setof", "similar", "smallint", "some", "substring", "symmetric",
    "system_user", "table", "tablesample", "then", "time", "timestamp", "to", "trailing",
    "treat", "trim", "true", "union", "unique", "user", "using", "values", "varchar",
    "variadic", "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat",
    "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot",
    "xmlserialize", "xmltable",
];

/// The name as SQL takes it: bare where that is the same name, else in double quotes.
pub fn quote_name(name: &str) -> String {
    let is_bare = name.bytes().enumerate().all(|(at, byte)| match byte {
        b'a'..=b'z' | b'_' => true,
        b'0'..=b'9' => at > 0,
        _ => false,
    }) && !name.is_empty()
        && KEYWORDS.binary_search(&name).is_err();
    if is_bare {
        name.to_owned()
    } else {
        quote_always(name)
    }
}

/// The name in double quotes, also where it could be bare.
pub(crate) fn quote_always(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Several names with dots between them.
pub fn quote_qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_name(schema), quote_name(name))
}

/// The text as a literal, whatever `standard_conforming_strings` says.
pub fn quote_text(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// The text as a literal with its type, so that no function or operator of somebody else's fits it better
/// than the one that is meant.
pub(crate) fn quote_literal(text: &str, data_type: &str) -> String {
    format!("{}::{data_type}", quote_text(text))
}

/// Checks a name that somebody typed.
///
/// # Errors
/// Where Postgres could not hold it: empty, longer than 63 bytes, or with a NUL.
pub fn check_name(option: &str, name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::option(option, "a name must not be empty"));
    }
    if name.contains('\0') {
        return Err(Refusal::option(option, "a name must not hold a NUL"));
    }
    if name.len() > LONGEST_NAME {
        return Err(Refusal::option(
            option,
            format!(
                "the name has {} bytes, and Postgres keeps {LONGEST_NAME}",
                name.len()
            ),
        ));
    }
    Ok(())
}

/// The parts with `_` between them; where that is too long, the parts are cut and a digest of the whole
/// is put between them, so that two long names stay two.
pub fn join_name(front: &str, back: &str) -> String {
    let whole = format!("{front}_{back}");
    if whole.len() <= LONGEST_NAME {
        return whole;
    }
    let digest = format!("_{:08x}_", digest(&whole));
    let room = LONGEST_NAME - digest.len();
    // The shorter part stays whole, so far as it is no longer than half.
    let back = cut(back, room - front.len().min(room / 2));
    format!("{}{digest}{back}", cut(front, room - back.len()))
}

/// The front of the text, at most so many bytes.
fn cut(text: &str, longest: usize) -> &str {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The name, or the first of `name1`, `name2`... that is not taken.
pub fn free_name(front: &str, back: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = join_name(front, back);
    for number in 1_u32.. {
        if !is_taken(&name) {
            break;
        }
        name = join_name(front, &format!("{back}{number}"));
    }
    name
}

/// FNV-1a: names are told apart by it, nothing is protected.
fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
