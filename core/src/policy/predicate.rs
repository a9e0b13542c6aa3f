//! Predicates that people write, so far as they must be understood to be put into a policy.
//!
//! Postgres parses them; here it is only made sure that a predicate in parentheses stays in them. What
//! could end them early, or make the rest of a statement a comment, is refused: parentheses without
//! their partner, semicolons, comments, dollar quotes and `E'...'` strings, whose end is decided by
//! settings and continuation lines.

use super::refusal::{Refusal, RefusalKind};

/// The longest predicate, in bytes: it is kept in the comment of each policy.
pub const LONGEST_PREDICATE: usize = 8192;

/// Checks that the text is one expression by its brackets and quotes.
///
/// # Errors
/// Kind [`RefusalKind::Syntax`], naming the option.
pub fn check_predicate(option: &str, text: &str) -> Result<(), Refusal> {
    scan(text).map_err(|fault| {
        Refusal::new(
            RefusalKind::Syntax,
            format_args!("{option} is not a single expression"),
        )
        .detail(fault)
        .hint(
            "Write one boolean expression over the table's columns, without semicolons, comments, \
                 dollar quotes and E'...' strings.",
        )
    })
}

fn scan(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        return Err("It is empty.");
    }
    if text.len() > LONGEST_PREDICATE {
        return Err("It is longer than 8192 bytes.");
    }
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let width = match next {
            '\0' => return Err("It holds a NUL."),
            ';' => return Err("It holds a semicolon."),
            '$' => return Err("It holds a dollar sign outside of quotes."),
            '\\' => return Err("It holds a backslash outside of quotes."),
            '-' if rest.starts_with("--") => return Err("It holds a comment."),
            '/' if rest.starts_with("/*") => return Err("It holds a comment."),
            '\'' | '"' => quoted_length(rest, next).ok_or("A quote has no end.")?,
            '(' | '[' => {
                open.push(next);
                1
            }
            ')' | ']' => {
                let opening = if next == ')' { '(' } else { '[' };
                if open.pop() != Some(opening) {
                    return Err("A bracket is closed that was not opened.");
                }
                1
            }
            _ if is_word(next) => {
                let word = rest.find(|other| !is_word(other)).unwrap_or(rest.len());
                // `1E'...'` is a number and such a string to Postgres 14.
                if rest[..word].ends_with(['e', 'E']) && rest[word..].starts_with('\'') {
                    return Err("It holds an E'...' string.");
                }
                word
            }
            other => other.len_utf8(),
        };
        rest = &rest[width..];
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err("A bracket is opened that is not closed.")
    }
}

/// Postgres takes every byte outside of ASCII as part of a word.
fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii()
}

/// Length of the quoted text at the front, a doubled quote being part of it.
fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text[at..].find(quote)? + 1;
        if !text[at..].starts_with(quote) {
            break;
        }
        at += 1;
    }
    if text[..at].contains('\0') {
        None
    } else {
        Some(at)
    }
}
