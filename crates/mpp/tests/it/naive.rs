//! A second tokenizer, written after the grammar and in another way: character by character over a list of decoded tokens,
//! without positions or slices. It is slow, and only there to be compared with.

/// Parameters, names in lower case; `None` when they can not be read.
type Params = Option<Vec<(String, String)>>;

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Word(String),
    Quoted(Option<String>),
    Space,
    Equals,
    Comma,
    Other(char),
}

/// The parameters of each `Payment` scheme, names in lower case; `None` for one that can not be read.
pub(crate) fn payments(value: &[u8]) -> Vec<Params> {
    let mut out: Vec<(String, Params)> = Vec::new();
    for element in pieces(value).split(|piece| *piece == Piece::Comma) {
        let mut left: Vec<&Piece> = element.iter().collect();
        while left.first() == Some(&&Piece::Space) {
            left.remove(0);
        }
        while left.last() == Some(&&Piece::Space) {
            left.pop();
        }
        if left.is_empty() {
            continue;
        }
        let Piece::Word(first) = left.remove(0).clone() else {
            if let Some(last) = out.last_mut() {
                last.1 = None;
            }
            continue;
        };
        let spaced = left.first() == Some(&&Piece::Space);
        let mut rest = left.clone();
        if spaced {
            rest.remove(0);
        }
        if rest.first() == Some(&&Piece::Equals) {
            rest.remove(0);
            if let Some((_, Some(params))) = out.last_mut() {
                let read =
                    assigned(&rest).filter(|_| !params.iter().any(|(n, _)| *n == lower(&first)));
                match read {
                    Some(read) if params.first().is_some_and(|(name, _)| name != "\0token") => {
                        params.push((lower(&first), read));
                    }
                    _ => out.last_mut().unwrap().1 = None,
                }
            }
            continue;
        }
        let mut params = Some(Vec::new());
        if rest.is_empty() {
        } else if !spaced {
            params = None;
        } else if token(&rest) {
            params = Some(vec![("\0token".into(), String::new())]);
        } else {
            let name = match rest.remove(0) {
                Piece::Word(name) => Some(name.clone()),
                _ => None,
            };
            while rest.first() == Some(&&Piece::Space) {
                rest.remove(0);
            }
            let equals = rest.first() == Some(&&Piece::Equals);
            if equals {
                rest.remove(0);
            }
            params = name
                .filter(|_| equals)
                .and_then(|name| Some(vec![(lower(&name), assigned(&rest)?)]));
        }
        out.push((first, params));
    }
    let ours = out
        .into_iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("payment"));
    ours.map(|(_, params)| params).collect()
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Everything left is one token68: words and slashes, then equals signs.
fn token(rest: &[&Piece]) -> bool {
    let mut words = 0;
    for (at, piece) in rest.iter().enumerate() {
        match piece {
            Piece::Word(word) => {
                let ok = word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
                if !ok || rest[..at].contains(&&Piece::Equals) {
                    return false;
                }
                words += 1;
            }
            Piece::Other('/') if !rest[..at].contains(&&Piece::Equals) => words += 1,
            Piece::Equals => {}
            _ => return false,
        }
    }
    words > 0
}

/// The value after the equals sign.
fn assigned(rest: &[&Piece]) -> Option<String> {
    let mut rest = rest.to_vec();
    while rest.first() == Some(&&Piece::Space) {
        rest.remove(0);
    }
    // What follows a quoted string is dropped, unless a quote in it is never ended.
    let open = rest.iter().any(|piece| **piece == Piece::Quoted(None));
    match rest.first()? {
        Piece::Quoted(text) if !open => text.clone().filter(|text| text != "\0"),
        Piece::Word(word) if rest.len() == 1 => Some(word.clone()),
        _ => None,
    }
}

fn pieces(value: &[u8]) -> Vec<Piece> {
    let mut chars: Vec<char> = value.iter().rev().map(|byte| char::from(*byte)).collect();
    let mut out: Vec<Piece> = Vec::new();
    while let Some(c) = chars.pop() {
        let piece = match c {
            '"' => Piece::Quoted(quoted(&mut chars)),
            ' ' | '\t' => Piece::Space,
            '=' => Piece::Equals,
            ',' => Piece::Comma,
            c if c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c) => {
                Piece::Word(c.into())
            }
            c => Piece::Other(c),
        };
        match (&piece, out.last_mut()) {
            (Piece::Space, Some(Piece::Space)) => {}
            (Piece::Word(more), Some(Piece::Word(word))) => word.push_str(more),
            _ => out.push(piece),
        }
    }
    out
}

/// After the opening quote. `None` when it is never ended, a NUL alone when its text can not be.
fn quoted(chars: &mut Vec<char>) -> Option<String> {
    let mut units: Vec<u16> = Vec::new();
    let mut bad = false;
    loop {
        match chars.pop()? {
            '"' => break,
            '\\' => {
                let digits: String = chars.iter().rev().skip(1).take(4).collect();
                let hex = digits.len() == 4 && digits.chars().all(|c| c.is_ascii_hexdigit());
                if chars.last() == Some(&'u') && hex {
                    chars.truncate(chars.len() - 5);
                    units.push(u16::from_str_radix(&digits, 16).unwrap());
                    let unit = u32::from(*units.last().unwrap());
                    bad |= char::from_u32(unit).is_some_and(char::is_control);
                } else {
                    let c = chars.pop()?;
                    bad |= c == '\u{7f}' || (c < ' ' && c != '\t');
                    units.push(u32::from(c) as u16);
                }
            }
            c => {
                bad |= c == '\u{7f}' || (c < ' ' && c != '\t');
                units.push(u32::from(c) as u16);
            }
        }
    }
    match String::from_utf16(&units) {
        Ok(text) if !bad => Some(text),
        _ => Some("\0".into()),
    }
}
