//! The responses, and the heads that all responses of a paid route have.

use super::*;
use http::header;

impl Walk<'_> {
    /// The answer to a settlement whose response was not made by this request.
    pub(super) fn done(&self, done: Done) -> Response<Bytes> {
        match done {
            Done::Delivered(entry) => self.replay(&entry),
            Done::Declined(claim, reason) => {
                let mut response = self.gate.refuse(&self.asked(), &reason);
                self.report(&claim, &Settlement::Declined(reason), &mut response);
                response
            }
            Done::Unknown(claim, pending) => {
                let protocol = claim.as_ref().map(|claim| claim.wire.protocol);
                let protocol = protocol.and_then(|id| self.gate.protocol(id));
                let kind = protocol.and_then(|it| it.problem(&Reason::SettlementPending));
                let mut response = Problem::Unknown.response_of(kind.unwrap_or("about:blank"));
                if let Some(claim) = claim {
                    self.report(&claim, &Settlement::Unknown(pending), &mut response);
                }
                response
            }
            Done::Lost => Problem::Unknown.response(),
            Done::LedgerFailed => Problem::Ledger.response(),
            // Grants are handed over by their guard.
            Done::Granted(_) => Problem::Unknown.response(),
        }
    }

    /// The stored outcome of a delivered claim.
    pub(super) fn replay(&self, entry: &Entry) -> Response<Bytes> {
        let kept = entry
            .response
            .as_ref()
            .and_then(|kept| kept.body.clone().map(|body| (kept, body)));
        let mut response = match kept {
            Some((kept, body)) => {
                let mut response = Response::new(body);
                *response.status_mut() = kept.status;
                *response.headers_mut() = kept.headers.clone();
                private(response.headers_mut());
                response
            }
            None => self.conflict_of(entry, Problem::AlreadyUsed),
        };
        if let Some(receipt) = &entry.receipt {
            let protocol = self
                .gate
                .protocols
                .iter()
                .find(|protocol| protocol.answers(self.arrival.headers) > 0);
            let claim = protocol
                .and_then(|protocol| protocol.claim(&self.asked(), self.arrival.headers).ok());
            if let Some(claim) = claim {
                self.report(&claim, &Settlement::Settled(receipt.clone()), &mut response);
                let event = Event::Delivered {
                    amount: claim.amount(),
                    again: true,
                };
                self.seams.events.event(&claim, &event);
            }
        }
        response
    }

    pub(super) fn conflict_of(
        &self,
        _entry: &Entry,
        problem: fn(http::StatusCode) -> Problem,
    ) -> Response<Bytes> {
        let protocols = &self.gate.protocols;
        let protocol = protocols
            .iter()
            .find(|protocol| protocol.answers(self.arrival.headers) > 0);
        conflicting(protocol, problem)
    }

    pub(super) fn conflict(
        &self,
        presented: &Presented,
        problem: fn(http::StatusCode) -> Problem,
    ) -> Response<Bytes> {
        conflicting(self.gate.protocol(presented.claim().wire.protocol), problem)
    }

    pub(super) fn report<B>(
        &self,
        claim: &Claim,
        settlement: &Settlement,
        response: &mut Response<B>,
    ) {
        if let Some(protocol) = self.gate.protocol(claim.wire.protocol) {
            let with = Told::new(response.status(), self.now());
            protocol.report(claim, settlement, with, response.headers_mut());
        }
    }

    pub(super) fn ledger_failed(&self, claim: &Claim, error: &SeamError) -> Response<Bytes> {
        self.seams
            .events
            .event(claim, &Event::LedgerFailed(error.as_ref()));
        Problem::Ledger.response()
    }

    pub(super) fn facilitator_failed(&self, claim: &Claim, error: &SeamError) -> Response<Bytes> {
        self.seams
            .events
            .event(claim, &Event::FacilitatorFailed(error.as_ref()));
        Problem::Facilitator.response()
    }

    /// What every response of a paid route carries: caches see that credentials matter, browsers may read the receipts.
    pub(super) fn head(&self, headers: &mut HeaderMap) {
        add(headers, &VARY, self.gate.vary.as_ref());
        add(
            headers,
            &ACCESS_CONTROL_EXPOSE_HEADERS,
            self.gate.expose.as_ref(),
        );
    }

    /// The same for a refusal, which nobody stores: whoever asks from another origin may read the offers, and who says nothing
    /// of an origin is no script and needs no leave.
    pub(super) fn refusal_head(&self, headers: &mut HeaderMap) {
        if self.arrival.headers.contains_key(header::ORIGIN) {
            self.head(headers);
        } else {
            add(headers, &VARY, self.gate.vary.as_ref());
        }
    }
}

/// A denial without offers, with the status and the problem type of the credential's protocol.
fn conflicting(
    protocol: Option<&Arc<dyn Protocol>>,
    problem: fn(http::StatusCode) -> Problem,
) -> Response<Bytes> {
    let Some(protocol) = protocol else {
        return problem(http::StatusCode::CONFLICT).response();
    };
    let problem = problem(protocol.conflict());
    let why = match problem {
        Problem::InFlight(_) => Reason::InFlight,
        _ => Reason::AlreadyUsed,
    };
    problem.response_of(protocol.problem(&why).unwrap_or("about:blank"))
}

/// Adds names to a list header, each that is not there.
fn add(headers: &mut HeaderMap, list: &http::HeaderName, names: Option<&HeaderValue>) {
    let Some(names) = names else { return };
    match headers.entry(list) {
        header::Entry::Vacant(place) => drop(place.insert(names.clone())),
        header::Entry::Occupied(_) => {
            for name in names.as_bytes().split(|byte| *byte == b',') {
                append_once(headers, list, name.trim_ascii());
            }
        }
    }
}

/// Appends a name to a list header, unless it is there.
fn append_once(headers: &mut HeaderMap, list: &http::HeaderName, name: &[u8]) {
    let there = headers
        .get_all(list)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|item| item == b"*" || item.eq_ignore_ascii_case(name));
    if let (false, Ok(value)) = (there, HeaderValue::from_bytes(name)) {
        headers.append(list, value);
    }
}

/// Merges `private` into the cache directives: a paid response is for the one who paid.
pub(super) fn private(headers: &mut HeaderMap) {
    if let header::Entry::Vacant(none) = headers.entry(CACHE_CONTROL) {
        none.insert(HeaderValue::from_static("private"));
        return;
    }
    let directives: Vec<&str> = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        // `public` and `s-maxage` speak to shared caches, which must not keep it.
        .filter(|directive| !directive.eq_ignore_ascii_case("public"))
        .filter(|directive| !directive.to_ascii_lowercase().starts_with("s-maxage"))
        .collect();
    let has = |name: &str| {
        directives
            .iter()
            .any(|directive| directive.eq_ignore_ascii_case(name))
    };
    if has("private") || has("no-store") {
        let kept = directives.join(", ");
        if let Ok(value) = HeaderValue::from_str(&kept) {
            headers.insert(CACHE_CONTROL, value);
        }
        return;
    }
    let mut merged = directives.join(", ");
    if !merged.is_empty() {
        merged.push_str(", ");
    }
    merged.push_str("private");
    if let Ok(value) = HeaderValue::from_str(&merged) {
        headers.insert(CACHE_CONTROL, value);
    }
}
