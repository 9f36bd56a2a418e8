//! What a service sells, in its OpenAPI 3.1 document (draft-payment-discovery) and in `/llms.txt`.
//!
//! It is advice: what a request costs is what its 402 says.

use http402_core::{
    Amount, ParseError,
    json::{Document, Json, Object, array, quote},
};

/// The longest document that is looked at, in bytes.
pub const MAX_LEN: usize = 64 * 1024;

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// One way to pay for an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentOffer {
    /// `intent`.
    pub intent: Box<str>,
    /// `method`.
    pub method: Box<str>,
    /// `amount`; `None` when it depends on the request.
    pub amount: Option<Amount>,
    /// `currency`.
    pub currency: Option<Box<str>>,
    /// `description`.
    pub description: Option<Box<str>>,
}

impl PaymentOffer {
    /// An offer.
    pub fn new(method: &str, intent: &str, amount: Option<Amount>, currency: Option<&str>) -> Self {
        Self {
            intent: intent.into(),
            method: method.into(),
            amount,
            currency: currency.map(Into::into),
            description: None,
        }
    }

    fn encode(&self) -> Box<str> {
        let object = Object::new()
            .text("intent", &self.intent)
            .text("method", &self.method);
        let object = match self.amount {
            Some(amount) => object.text("amount", &amount.to_string()),
            None => object.raw("amount", "null"),
        };
        object
            .maybe_text("currency", self.currency.as_deref())
            .maybe_text("description", self.description.as_deref())
            .finish()
    }

    fn read(json: Json<'_>) -> Result<Self, ParseError> {
        let amount = json
            .as_object()
            .and_then(|mut members| members.find(|(name, _)| *name == "amount"))
            .ok_or_else(|| ParseError::new("amount", "missing"))?;
        let amount = match (&amount.1, amount.1.as_text()) {
            (value, _) if value.is_null() => None,
            (_, Some(text)) => Some(
                text.parse()
                    .map_err(|_| ParseError::new("amount", "not an amount"))?,
            ),
            _ => return Err(ParseError::new("amount", "text or null expected")),
        };
        Ok(Self {
            intent: json.need_text("intent")?.into(),
            method: json.need_text("method")?.into(),
            amount,
            currency: json.text("currency")?.map(Into::into),
            description: json.text("description")?.map(Into::into),
        })
    }
}

/// A paid operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The request's method, in lower case.
    pub method: Box<str>,
    /// The path, in the form of OpenAPI: `/reports/{year}`.
    pub path: Box<str>,
    /// `summary`.
    pub summary: Option<Box<str>>,
    /// The ways to pay, at least one.
    pub offers: Vec<PaymentOffer>,
}

impl Operation {
    /// An operation.
    pub fn new(method: &str, path: &str, offers: Vec<PaymentOffer>) -> Self {
        Self {
            method: method.to_ascii_lowercase().into(),
            path: path.into(),
            summary: None,
            offers,
        }
    }

    fn encode(&self) -> Box<str> {
        let offers: Vec<_> = self.offers.iter().map(PaymentOffer::encode).collect();
        let offers = array(offers.iter().map(|offer| &**offer));
        let response = |text| Object::new().text("description", text).finish();
        let responses = Object::new()
            .raw("200", &response("Success"))
            .raw("402", &response("Payment Required"))
            .finish();
        Object::new()
            .maybe_text("summary", self.summary.as_deref())
            .raw(
                "x-payment-info",
                &Object::new().raw("offers", &offers).finish(),
            )
            .raw("responses", &responses)
            .finish()
    }
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Service {
    /// `info.title`.
    pub title: Box<str>,
    /// `info.version`.
    pub version: Box<str>,
    /// `info.description`.
    pub description: Option<Box<str>>,
    /// `x-service-info.categories`.
    pub categories: Vec<Box<str>>,
    /// `x-service-info.docs.homepage`: a URI, or an absolute path.
    pub homepage: Option<Box<str>>,
    /// `x-service-info.docs.apiReference`.
    pub api_reference: Option<Box<str>>,
    /// `x-service-info.docs.llms`.
    pub llms: Option<Box<str>>,
    /// What is paid for, in order.
    pub operations: Vec<Operation>,
}

impl Service {
    /// A service that sells these operations.
    pub fn new(title: &str, version: &str, operations: Vec<Operation>) -> Self {
        Self {
            title: title.into(),
            version: version.into(),
            operations,
            ..Self::default()
        }
    }

    /// The OpenAPI document, for `GET /openapi.json`, to be cached for five minutes.
    ///
    /// # Errors
    /// When an operation has an unknown method, no offers, or a path without a leading slash; when two are the same; when a
    /// link is neither a URI nor an absolute path.
    pub fn openapi(&self) -> Result<Box<str>, ParseError> {
        self.check()?;
        let mut paths = Object::new();
        for (at, operation) in self.operations.iter().enumerate() {
            let earlier = self.operations.get(..at).unwrap_or_default();
            if earlier.iter().any(|other| other.path == operation.path) {
                continue;
            }
            let same = self
                .operations
                .iter()
                .filter(|one| one.path == operation.path);
            let item = same.fold(Object::new(), |item, one| {
                item.raw(&one.method, &one.encode())
            });
            paths = paths.raw(&operation.path, &item.finish());
        }
        let info = Object::new()
            .text("title", &self.title)
            .text("version", &self.version)
            .maybe_text("description", self.description.as_deref());
        Ok(Object::new()
            .text("openapi", "3.1.0")
            .raw("info", &info.finish())
            .raw("x-service-info", &self.info())
            .raw("paths", &paths.finish())
            .finish())
    }

    fn info(&self) -> Box<str> {
        let mut info = Object::new();
        if !self.categories.is_empty() {
            let quoted: Vec<String> = self
                .categories
                .iter()
                .map(|category| {
                    let mut out = String::new();
                    quote(category, &mut out);
                    out
                })
                .collect();
            info = info.raw("categories", &array(quoted.iter().map(|one| &**one)));
        }
        let docs = Object::new()
            .maybe_text("apiReference", self.api_reference.as_deref())
            .maybe_text("homepage", self.homepage.as_deref())
            .maybe_text("llms", self.llms.as_deref());
        info.raw("docs", &docs.finish()).finish()
    }

    fn check(&self) -> Result<(), ParseError> {
        for (at, operation) in self.operations.iter().enumerate() {
            let bad = |why: &'static str| Err(ParseError::new(format!("operations[{at}]"), why));
            if !METHODS.contains(&&*operation.method) {
                return bad("unknown method");
            }
            if !operation.path.starts_with('/') {
                return bad("path must begin with a slash");
            }
            if operation.offers.is_empty() {
                return bad("no offers");
            }
            let earlier = self.operations.get(..at).unwrap_or_default();
            if earlier
                .iter()
                .any(|one| one.path == operation.path && one.method == operation.method)
            {
                return bad("stands twice");
            }
        }
        let links = [&self.homepage, &self.api_reference, &self.llms];
        match links.into_iter().flatten().all(|one| link(one)) {
            true => Ok(()),
            false => Err(ParseError::new("docs", "URI or absolute path expected")),
        }
    }

    /// Reads the document of any server. Operations without `x-payment-info` are free, and left out.
    ///
    /// # Errors
    /// When it is too long, no JSON, no OpenAPI 3, or a payment info can not be read: `offers` beside an offer's own members,
    /// none at all, an amount that is no text.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_LEN {
            return Err(ParseError::new("document", "longer than 65536 bytes"));
        }
        let document = Document::parse(text)?;
        let json = document.root();
        if !json.need_text("openapi")?.starts_with("3.") {
            return Err(ParseError::new("openapi", "version 3 expected"));
        }
        let info = json.need("info")?;
        let mut service = Self {
            title: info.text("title")?.unwrap_or_default().into(),
            version: info.text("version")?.unwrap_or_default().into(),
            description: info.text("description")?.map(Into::into),
            ..Self::default()
        };
        if let Some(info) = json.object("x-service-info")? {
            service
                .read_info(info)
                .map_err(|e| e.inside("x-service-info"))?;
        }
        let paths = json.object("paths")?.map(Json::members);
        for (path, item) in paths.unwrap_or_default() {
            for (method, operation) in item.members() {
                let paid = operation.get("x-payment-info");
                if let (true, Some(paid)) = (METHODS.contains(&method), paid) {
                    let offers =
                        offers(paid).map_err(|error| error.inside(&format!("{method} {path}")))?;
                    let mut read = Operation::new(method, path, offers);
                    read.summary = operation.text("summary")?.map(Into::into);
                    service.operations.push(read);
                }
            }
        }
        Ok(service)
    }

    fn read_info(&mut self, info: Json<'_>) -> Result<(), ParseError> {
        if let Some(list) = info.get("categories") {
            let bad = || ParseError::new("categories", "texts expected");
            let items = list.as_array().ok_or_else(bad)?;
            let read = |item: Json<'_>| Ok(item.as_text().ok_or_else(bad)?.into());
            let all: Result<Vec<Box<str>>, ParseError> = items.map(read).collect();
            self.categories = all?;
        }
        let Some(docs) = info.object("docs")? else {
            return Ok(());
        };
        let text = |name| {
            let found = docs.text(name)?;
            match found.filter(|found| !link(found)) {
                Some(_) => Err(ParseError::new(name, "URI or absolute path expected")),
                None => Ok(found.map(Into::into)),
            }
        };
        self.homepage = text("homepage")?;
        self.api_reference = text("apiReference")?;
        self.llms = text("llms")?;
        Ok(())
    }

    /// The text of `/llms.txt`: what the service is, and what it sells.
    pub fn llms_txt(&self) -> String {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut out = format!("# {}\n", line(&self.title));
        if let Some(description) = &self.description {
            out.push_str(&format!("\n> {}\n", line(description)));
        }
        out.push_str("\nPaid over HTTP 402. [OpenAPI](/openapi.json)\n\n## Operations\n\n");
        for operation in &self.operations {
            let method = operation.method.to_ascii_uppercase();
            let prices: Vec<String> = operation.offers.iter().map(price).collect();
            out.push_str(&format!(
                "- {method} {}: {}\n",
                operation.path,
                prices.join(" or ")
            ));
            if let Some(summary) = &operation.summary {
                out.push_str(&format!("  {}\n", line(summary)));
            }
        }
        out
    }
}

fn price(offer: &PaymentOffer) -> String {
    let amount = match offer.amount {
        Some(amount) => format!("{amount} units"),
        None => "as the request says".into(),
    };
    let currency = offer.currency.as_deref().unwrap_or_default();
    let text = format!("{amount} {currency} by {}/{}", offer.method, offer.intent);
    text.replace("  ", " ")
}

/// `x-payment-info`: a list of offers, or one of them by itself.
fn offers(info: Json<'_>) -> Result<Vec<PaymentOffer>, ParseError> {
    let own = ["intent", "method", "amount", "currency", "description"];
    let mut members = info
        .as_object()
        .ok_or_else(|| ParseError::new("x-payment-info", "object expected"))?;
    let flat = members.any(|(name, _)| own.contains(&name));
    match (info.get("offers"), flat) {
        (Some(_), true) => Err(ParseError::new("x-payment-info", "both forms at once")),
        (None, _) => Ok(vec![PaymentOffer::read(info)?]),
        (Some(list), false) => {
            let items = list
                .as_array()
                .filter(|items| items.clone().next().is_some())
                .ok_or_else(|| ParseError::new("offers", "at least one expected"))?;
            items.map(PaymentOffer::read).collect()
        }
    }
}

/// `scheme://…`, or an absolute path; without white space.
fn link(text: &str) -> bool {
    if text.chars().any(char::is_whitespace) {
        return false;
    }
    let scheme = |name: &str| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
            && bytes.all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b))
    };
    match text.split_once("://") {
        Some((name, rest)) if scheme(name) => !rest.is_empty(),
        _ => text.starts_with('/'),
    }
}
