//! Doors to what reads what strangers wrote, for the targets of `fuzz`. Nothing else goes through them.

use url::Url;

use crate::{rel_me, web};

/// Where a page says that its owner is, and whether each of these is one page with itself.
#[must_use]
pub fn links(page: &[u8]) -> Vec<(String, bool)> {
    let address = Url::parse("https://ann.example/about").expect("an address");
    let links = rel_me::links(page, &address);
    links.into_iter().map(|it| (it.to_string(), rel_me::same_page(&it, &it))).collect()
}

/// The address of a page as it is kept.
#[must_use]
pub fn web_address(text: &str) -> Option<String> {
    web::address(text).ok()
}

/// An e-mail address as it is hashed.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    klout_contact::email(text).ok()
}

/// A phone number as it is hashed.
#[must_use]
pub fn phone(text: &str) -> Option<String> {
    klout_contact::phone(text).ok()
}

/// A loyalty number as it is hashed.
#[must_use]
pub fn loyalty_number(program: &str, number: &str) -> Option<String> {
    klout_contact::loyalty_number(program, number).ok()
}
