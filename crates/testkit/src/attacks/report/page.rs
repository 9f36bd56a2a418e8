//! The report as a page of HTML: one file, with nothing to load.

use super::{Finding, Report, Verdict};
use std::fmt::Write;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2024;--paper:#fbfbf9;--line:#dcdcd6;--quiet:#6b7178;--good:#1d7a46;--bad:#b3261e;--card:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6e7e9;--paper:#15171a;--line:#30343a;--quiet:#979da5;--good:#63c68c;--bad:#ff8a80;--card:#1c1f23}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:2.5rem 1.25rem 5rem}
h1{font-size:1.6rem;margin:0 0 .25rem;letter-spacing:-.01em}
h2{font-size:1.1rem;margin:2.5rem 0 .6rem}
code,.id{font-family:ui-monospace,monospace;font-size:.92em;overflow-wrap:anywhere}
.quiet,.notes{color:var(--quiet)}
.notes{margin:.5rem 0 0;padding-left:1.2rem}
.sums{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0}
.sum{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.7rem 1.1rem;min-width:8.5rem}
.sum b{display:block;font-size:1.7rem;line-height:1.1;font-variant-numeric:tabular-nums}
.bar{display:flex;height:.5rem;border-radius:.25rem;overflow:hidden;background:var(--line)}
.bar i{display:block}
article{background:var(--card);border:1px solid var(--line);border-left-width:.3rem;border-radius:.5rem;padding:.75rem 1rem;margin:.6rem 0}
article.fail{border-left-color:var(--bad)}
article.pass{border-left-color:var(--good)}
article h3{font-size:1rem;margin:0}
dl{display:grid;grid-template-columns:5.5rem 1fr;gap:.15rem .75rem;margin:.4rem 0 0;font-size:.94rem}
dt{color:var(--quiet)}
dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:.92rem}
td{border-top:1px solid var(--line);padding:.35rem .75rem .35rem 0;vertical-align:top}
.good{color:var(--good)}
.bad{color:var(--bad)}";

/// Text that is safe between tags and in attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

impl Report {
    /// The report as one self-contained page.
    pub fn html(&self) -> String {
        let mut out = String::from(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <meta http-equiv=\"content-security-policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">",
        );
        let (failed, passed) = (self.count(Verdict::Fail), self.count(Verdict::Pass));
        let title = match failed {
            0 => format!("This {} survived all {passed} attacks", self.kind),
            _ => format!(
                "This {} survived {passed} of {} attacks",
                self.kind,
                passed + failed
            ),
        };
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "<title>http402 conform: {0}</title><style>{STYLE}</style></head><body><main>\
             <h1>{title}</h1><div><code>{0}</code></div><div class=\"quiet\">{1}</div><ul class=\"notes\">",
            escape(&self.target),
            escape(&self.summary())
        );
        for note in &self.notes {
            let _ = write!(out, "<li>{}</li>", escape(note));
        }
        out.push_str("</ul>");
        self.sums(&mut out);
        self.cards(&mut out, Verdict::Fail, "Failed");
        self.cards(&mut out, Verdict::Pass, "Passed");
        self.rows(&mut out, Verdict::InProcess, "Covered in-process");
        self.rows(&mut out, Verdict::NotApplicable, "Not applicable");
        out.push_str("</main></body></html>\n");
        out
    }

    fn sums(&self, out: &mut String) {
        let all = self.findings.len().max(1);
        let kinds = [
            (Verdict::Fail, "bad", "var(--bad)"),
            (Verdict::Pass, "good", "var(--good)"),
            (Verdict::InProcess, "quiet", "var(--quiet)"),
            (Verdict::NotApplicable, "quiet", "transparent"),
        ];
        out.push_str("<div class=\"sums\">");
        for (verdict, class, _) in kinds {
            let count = self.count(verdict);
            let _ = write!(
                out,
                "<div class=\"sum\"><b class=\"{class}\">{count}</b>{verdict}</div>"
            );
        }
        out.push_str("</div><div class=\"bar\">");
        for (verdict, _, colour) in kinds {
            let part = self.count(verdict) * 1000 / all;
            let (whole, tenth) = (part / 10, part % 10);
            let _ = write!(
                out,
                "<i style=\"width:{whole}.{tenth}%;background:{colour}\"></i>"
            );
        }
        out.push_str("</div>");
    }

    fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Finding> {
        let with = move |it: &&Finding| it.verdict == verdict;
        self.findings.iter().filter(with)
    }

    fn cards(&self, out: &mut String, verdict: Verdict, title: &str) {
        if self.count(verdict) > 0 {
            let _ = write!(out, "<h2>{title}</h2>");
        }
        for finding in self.with(verdict) {
            let _ = write!(
                out,
                "<article class=\"{word}\" id=\"S{id:02}\"><h3><span class=\"id\">S{id:02}</span> {}</h3>\
                 <dl><dt>expected</dt><dd>{}</dd><dt>seen</dt><dd>{}</dd></dl></article>",
                escape(finding.attack),
                escape(&finding.expected),
                escape(&finding.seen),
                word = verdict.word(),
                id = finding.id,
            );
        }
    }

    fn rows(&self, out: &mut String, verdict: Verdict, title: &str) {
        if self.count(verdict) > 0 {
            let _ = write!(out, "<h2>{title}</h2>");
        }
        out.push_str("<table>");
        for finding in self.with(verdict) {
            let _ = write!(
                out,
                "<tr id=\"S{id:02}\"><td class=\"id\">S{id:02}</td><td>{}</td><td class=\"quiet\">{}</td></tr>",
                escape(finding.attack),
                escape(&finding.seen),
                id = finding.id,
            );
        }
        out.push_str("</table>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_target_says_is_text_in_the_page() {
        let report = Report {
            target: "http://a/<script>alert(1)</script>".into(),
            kind: "server",
            notes: vec!["\u{1b}[31m".into()],
            requests: 1,
            millis: 1,
            findings: vec![Finding {
                id: 1,
                attack: "one",
                expected: "\"quotes\"".into(),
                seen: "<img src=x onerror=alert(1)>".into(),
                verdict: Verdict::Fail,
            }],
        };
        let page = report.html();
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{1b}'));
        assert!(page.contains("survived 0 of 1 attacks") && page.contains("id=\"S01\""));
    }
}
