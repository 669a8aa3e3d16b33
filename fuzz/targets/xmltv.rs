#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| linecard_fuzz::run("xmltv", bytes));
