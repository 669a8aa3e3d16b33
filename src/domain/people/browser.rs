//! A browser in words, from the User-Agent that it sends.

/// Which browser on which system: "Firefox 128 on Windows". What is not known is shown as it came, shortened.
pub fn in_words(agent: &str) -> String {
    let browser = BROWSERS.iter().find_map(|(mark, name)| Some((*name, version(agent, mark)?)));
    let system = SYSTEMS.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (browser, system) {
        (Some((name, version)), Some(system)) => format!("{name}{version} on {system}"),
        (Some((name, version)), None) => format!("{name}{version}"),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) if agent.trim().is_empty() => "Not said".into(),
        (None, None) => agent.chars().filter(|c| !c.is_control()).take(60).collect(),
    }
}

/// Marks of browsers, each before those that it names as well.
const BROWSERS: [(&str, &str); 13] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome without a window"),
    ("Chrome/", "Chrome"),
    ("curl/", "curl"),
    ("Version/", "Safari"),
];

/// Marks of systems, each before those that it names as well.
const SYSTEMS: [(&str, &str); 8] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// The first number behind a mark, with a blank before it; empty if there is none.
fn version(agent: &str, mark: &str) -> Option<String> {
    let (_, rest) = agent.split_once(mark)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).take(4).collect();
    Some(if digits.is_empty() { digits } else { format!(" {digits}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_by_what_they_send() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox 128 on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                "Chrome 131 on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "Edge 131 on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "Safari 18 on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                "Chrome 131 on Android",
            ),
            ("curl/7.88.1", "curl 7"),
            ("Firefox/x", "Firefox"),
            ("", "Not said"),
            ("Something else\r\n", "Something else"),
        ] {
            assert_eq!(in_words(agent), words);
        }
        assert_eq!(in_words(&"x".repeat(10_000)).len(), 60);
    }
}
