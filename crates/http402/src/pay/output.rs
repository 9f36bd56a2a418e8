use crate::{
    runtime::Fault,
    style::{BAD, GOOD, QUIET, TITLE, chain},
};
use http::{HeaderMap, StatusCode, Version};
use http402_core::{Amount, ChainId, Party, asset::Assets};
use http402_flow::client::{self, Attempt, Denied, Payment, Refusal, Reply};
use reqwest::{Request, Response};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{Write, stdout},
    path::Path,
    process::ExitCode,
};

/// Bodies go to standard output or a file, everything about the payment to standard error; with `json`, all of it to
/// standard output as one document.
pub(super) struct Output<'a> {
    pub(super) body: Option<&'a Path>,
    pub(super) include: bool,
    pub(super) verbose: bool,
    pub(super) json: bool,
    pub(super) assets: Assets,
}

fn code(code: u8) -> ExitCode {
    ExitCode::from(code)
}

fn attempt(attempt: &Attempt) -> Value {
    json!({
        "protocol": attempt.protocol,
        "amount": attempt.amount.to_string(),
        "chain": attempt.chain.to_string(),
        "asset": attempt.asset.to_string(),
        "payee": attempt.payee.to_string(),
        "payer": attempt.payer.to_string(),
        "transaction": attempt.transaction,
    })
}

/// Standard output, or what `-o` names.
fn sink(path: Option<&Path>) -> Result<Box<dyn Write>, Fault> {
    Ok(match path {
        None => Box::new(stdout().lock()),
        Some(path) => {
            Box::new(File::create(path).map_err(|error| format!("{}: {error}", path.display()))?)
        }
    })
}

fn head(to: &mut dyn Write, status: StatusCode, headers: &HeaderMap) -> std::io::Result<()> {
    write!(to, "{:?} {status}\r\n", Version::HTTP_11)?;
    for (name, value) in headers {
        write!(
            to,
            "{name}: {}\r\n",
            String::from_utf8_lossy(value.as_bytes())
        )?;
    }
    write!(to, "\r\n")
}

impl Output<'_> {
    pub(super) fn asks(&self, request: &Request) {
        if self.verbose && !self.json {
            anstream::eprintln!("{QUIET}> {} {}{QUIET:#}", request.method(), request.url());
            // Their values may be secrets of the user.
            for name in request.headers().keys() {
                anstream::eprintln!("{QUIET}> {name}{QUIET:#}");
            }
        }
    }

    fn money(&self, chain: &ChainId, asset: &Party, amount: Amount) -> String {
        match self.assets.find(chain, asset) {
            Some(known) => format!("{} {}", amount.to_decimal(known.decimals), known.symbol),
            None => format!("{amount} units of {asset}"),
        }
    }

    fn line(&self, attempt: &Attempt) -> String {
        let money = self.money(&attempt.chain, &attempt.asset, attempt.amount);
        let transaction = attempt.transaction.as_deref().unwrap_or("none told");
        format!(
            "{money} on {} to {} ({}), transaction {transaction}",
            attempt.chain, attempt.payee, attempt.protocol
        )
    }

    /// Some response: what was paid, and the body.
    pub(super) async fn reply(&self, reply: Reply<Response>) -> Result<ExitCode, Fault> {
        let response = reply.response.into_body();
        let status = response.status();
        let (word, exit, paid) = match &reply.payment {
            Payment::None => ("none", None, None),
            Payment::Paid { attempt, receipt } => {
                let told = receipt.as_ref().map(|receipt| receipt.transaction.clone());
                let mut attempt = attempt.clone();
                attempt.transaction = attempt.transaction.or(told);
                ("paid", None, Some(attempt))
            }
            Payment::Refused { attempt, .. } => ("refused", Some(5), Some(attempt.clone())),
            Payment::Spent { attempt, .. } => ("undelivered", Some(6), Some(attempt.clone())),
            Payment::Unknown { attempt, .. } => ("unknown", Some(5), Some(attempt.clone())),
            _ => ("unknown", Some(5), None),
        };
        if let Some(error) = &reply.unrecorded {
            anstream::eprintln!("{BAD}not recorded:{BAD:#} {}", chain(&**error));
        }
        let exit = match exit {
            Some(exit) => exit,
            None if status.is_success() || status.is_redirection() => 0,
            None => 1,
        };
        if self.json {
            let payment = json!({"outcome": word, "attempt": paid.as_ref().map(attempt)});
            return self.document(response, &payment, exit).await;
        }
        if let Some(paid) = &paid {
            let style = if word == "paid" { GOOD } else { BAD };
            anstream::eprintln!("{style}{word}{style:#} {}", self.line(paid));
        }
        self.body(response).await?;
        Ok(code(exit))
    }

    async fn body(&self, mut response: Response) -> Result<(), Fault> {
        let mut to = sink(self.body)?;
        if self.verbose {
            for (name, value) in response.headers() {
                let value = String::from_utf8_lossy(value.as_bytes());
                anstream::eprintln!("{QUIET}< {name}: {value}{QUIET:#}");
            }
        }
        if self.include {
            head(&mut to, response.status(), response.headers())?;
        }
        while let Some(chunk) = response.chunk().await? {
            to.write_all(&chunk)?;
        }
        Ok(to.flush()?)
    }

    async fn document(
        &self,
        response: Response,
        payment: &Value,
        exit: u8,
    ) -> Result<ExitCode, Fault> {
        let status = response.status().as_u16();
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
            .collect();
        let body = response.text().await?;
        let body = match self.body {
            None => Value::String(body),
            Some(path) => {
                sink(Some(path))?.write_all(body.as_bytes())?;
                Value::Null
            }
        };
        let document = json!({
            "status": status, "headers": headers, "body": body, "payment": payment,
        });
        anstream::println!("{}", serde_json::to_string_pretty(&document)?);
        Ok(code(exit))
    }

    /// A 402 that was not paid.
    pub(super) fn denied(&self, refusal: &Refusal, pays: bool) -> Result<ExitCode, Fault> {
        let exit = if pays { 3 } else { 4 };
        if self.json {
            let offers: Vec<_> = refusal
                .denied
                .iter()
                .map(|one| self.offer(one, pays))
                .collect();
            let outcome = if pays { "denied" } else { "quote" };
            let document = json!({
                "status": refusal.status.as_u16(),
                "body": String::from_utf8_lossy(&refusal.body),
                "payment": {"outcome": outcome, "offers": offers},
            });
            anstream::println!("{}", serde_json::to_string_pretty(&document)?);
            return Ok(code(exit));
        }
        anstream::eprintln!("{TITLE}{}{TITLE:#}", refusal.status);
        for denied in &refusal.denied {
            match &denied.asked {
                Some(asked) => {
                    let money = self.money(&asked.chain, &asked.asset, asked.price.ceiling());
                    anstream::eprintln!(
                        "  {money} on {} to {} ({})",
                        asked.chain,
                        asked.pay_to,
                        denied.protocol
                    );
                    if pays {
                        anstream::eprintln!("    {BAD}not paid:{BAD:#} {}", denied.why);
                    }
                }
                None => anstream::eprintln!("  {}: {}", denied.protocol, denied.why),
            }
        }
        if refusal.denied.is_empty() {
            anstream::eprintln!("  no offer in a protocol that is known here");
        } else if !pays {
            anstream::eprintln!("{QUIET}nothing was signed; --pay or --policy FILE pays{QUIET:#}");
        }
        let mut to = sink(self.body)?;
        if self.include {
            head(&mut to, refusal.status, &refusal.headers)?;
        }
        to.write_all(&refusal.body)?;
        to.flush()?;
        Ok(code(exit))
    }

    fn offer(&self, denied: &Denied, pays: bool) -> Value {
        let why = pays.then(|| denied.why.to_string());
        let Some(asked) = &denied.asked else {
            return json!({"protocol": denied.protocol.as_str(), "error": denied.why.to_string()});
        };
        json!({
            "protocol": denied.protocol.as_str(),
            "amount": asked.price.ceiling().to_string(),
            "price": self.money(&asked.chain, &asked.asset, asked.price.ceiling()),
            "chain": asked.chain.to_string(),
            "asset": asked.asset.to_string(),
            "payee": asked.pay_to.to_string(),
            "denied": why,
        })
    }

    /// Signed bytes have left, and nobody knows what became of them.
    pub(super) fn unknown(&self, error: &client::Error) -> Result<ExitCode, Fault> {
        if self.json {
            let document = json!({
                "payment": {"outcome": "unknown", "attempt": error.attempt().map(attempt)},
                "error": chain(error),
            });
            anstream::println!("{}", serde_json::to_string_pretty(&document)?);
        }
        anstream::eprintln!("{BAD}unknown{BAD:#} {}", chain(error));
        Ok(code(5))
    }
}
