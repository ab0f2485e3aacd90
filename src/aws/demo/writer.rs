//! Writes to the sample world as a small shop would: new orders, paid ones, shipped ones, deleted ones.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use parking_lot::Mutex;

use super::TABLE;
use crate::aws::dynamodb::{self, Item, PutRule, item_from_row};
use crate::aws::{Aws, Error};
use crate::clock::iso_millis;
use crate::ids::Ids;

/// Steers a [`writer`] and says what it did. Share it in an `Arc`.
#[derive(Debug)]
pub struct Writer {
    paused: AtomicBool,
    poison_wanted: AtomicBool,
    written: AtomicU64,
    poisoned: Mutex<Option<Poison>>,
    seed: u64,
    poison_after: Option<Duration>,
}

/// Key of the order that the function cannot bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    pub customer: String,
    pub order: String,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new(7, Some(Duration::from_secs(10)))
    }
}

impl Writer {
    /// The same seed writes the same orders; `poison_after` is when the bad one comes by itself.
    pub fn new(seed: u64, poison_after: Option<Duration>) -> Self {
        Self {
            paused: AtomicBool::new(false),
            poison_wanted: AtomicBool::new(false),
            written: AtomicU64::new(0),
            poisoned: Mutex::default(),
            seed,
            poison_after,
        }
    }

    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    /// Makes the next write a bad order.
    pub fn poison(&self) {
        self.poison_wanted.store(true, Ordering::Release);
    }

    /// The newest bad order.
    pub fn poisoned(&self) -> Option<Poison> {
        self.poisoned.lock().clone()
    }

    /// Writes so far: inserts, changes and deletes.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }
}

/// Time between two writes: 40 a second.
const PACE: Duration = Duration::from_millis(25);
/// A writer that fell behind further than this does not catch up.
const BEHIND_MAX: Duration = Duration::from_secs(1);
/// Orders kept open; older ones are shipped and deleted first.
const OPEN_MAX: usize = 300;

/// Places, advances and deletes orders until it is dropped. Ends only with an error.
pub async fn writer(aws: Aws, steer: Arc<Writer>) -> Result<(), Error> {
    let mut shop = Shop {
        ids: Ids::seeded(steer.seed),
        open: VecDeque::new(),
    };
    let mut due = aws.now();
    let mut ran = Duration::ZERO;
    let mut poison_after = steer.poison_after;
    loop {
        due += PACE;
        if aws.now() > due + BEHIND_MAX {
            due = aws.now();
        }
        aws.clock.sleep_until(due).await;
        if steer.is_paused() {
            continue;
        }
        ran += PACE;
        if poison_after.is_some_and(|after| ran >= after) {
            poison_after = None;
            steer.poison();
        }
        if steer.poison_wanted.swap(false, Ordering::AcqRel) {
            let poison = shop.place_poison(&aws).await?;
            *steer.poisoned.lock() = Some(poison);
        } else {
            shop.work(&aws).await?;
        }
        steer.written.fetch_add(1, Ordering::AcqRel);
    }
}

/// What the shop sells: article number, name and price.
const ARTICLES: [(&str, &str, &str); 12] = [
    ("TEA-01", "Assam, 250 g", "6.90"),
    ("TEA-02", "Sencha, 100 g", "8.40"),
    ("TEA-03", "Earl Grey, 250 g", "7.20"),
    ("COF-01", "House espresso, 1 kg", "18.50"),
    ("COF-02", "Filter roast, 500 g", "11.00"),
    ("CUP-01", "Stoneware cup", "9.95"),
    ("CUP-02", "Espresso cup, set of two", "14.00"),
    ("POT-01", "Glass teapot, 1 l", "24.90"),
    ("FIL-01", "Paper filters, 100", "3.20"),
    ("GRI-01", "Hand grinder", "49.00"),
    ("CHO-01", "Dark chocolate, 80 g", "3.80"),
    ("GIF-01", "Gift box", "4.50"),
];

const CITIES: [&str; 6] = [
    "Lisbon",
    "Tromsø",
    "Leipzig",
    "Osaka",
    "Montréal",
    "Nairobi",
];

/// An order that is not deleted yet.
struct Order {
    customer: String,
    /// The sort key.
    number: String,
    /// Where in [`STATES`] it is.
    state: usize,
}

const STATES: [&str; 3] = ["PENDING", "PAID", "SHIPPED"];

struct Shop {
    ids: Ids,
    open: VecDeque<Order>,
}

impl Shop {
    /// One write: a new order more often than not, a step of an old one, or a delete.
    async fn work(&mut self, aws: &Aws) -> Result<(), Error> {
        let dice = self.below(100);
        let full = self.open.len() >= OPEN_MAX;
        if (dice < 50 && !full) || self.open.is_empty() {
            return self.place(aws).await;
        }
        let at = self.below(self.open.len());
        let Some(mut order) = self.open.remove(at) else {
            return Ok(());
        };
        if order.state + 1 < STATES.len() {
            order.state += 1;
            advance(aws, &order).await?;
            self.open.push_back(order);
            return Ok(());
        }
        let key = item_from_row([
            ("customer", text(order.customer)),
            ("order", text(order.number)),
        ]);
        dynamodb::delete_item(aws.clone(), TABLE.to_owned(), key).await
    }

    async fn place(&mut self, aws: &Aws) -> Result<(), Error> {
        let count = 1 + self.below(3);
        let items = (0..count).map(|_| self.article(true)).collect();
        let order = self.put(aws, items).await?;
        self.open.push_back(order);
        Ok(())
    }

    /// An order whose first item lacks its quantity; nothing touches it again.
    async fn place_poison(&mut self, aws: &Aws) -> Result<Poison, Error> {
        let items = vec![self.article(false), self.article(true)];
        let order = self.put(aws, items).await?;
        Ok(Poison {
            customer: order.customer,
            order: order.number,
        })
    }

    async fn put(&mut self, aws: &Aws, items: Vec<AttributeValue>) -> Result<Order, Error> {
        let placed = iso_millis(aws.now());
        let order = Order {
            customer: format!("cust-{:04}", 1 + self.below(200)),
            number: format!("{placed}-{}", self.ids.hex(4)),
            state: 0,
        };
        let item: Item = item_from_row([
            ("customer", text(order.customer.clone())),
            ("order", text(order.number.clone())),
            ("status", text(STATES[0])),
            ("placed", text(placed)),
            ("city", text(CITIES[self.below(CITIES.len())])),
            ("items", AttributeValue::L(items)),
        ]);
        dynamodb::put_item(aws.clone(), TABLE.to_owned(), item, PutRule::Any).await?;
        Ok(order)
    }

    fn article(&mut self, with_quantity: bool) -> AttributeValue {
        let (sku, name, price) = ARTICLES[self.below(ARTICLES.len())];
        let mut item = item_from_row([
            ("sku", text(sku)),
            ("name", text(name)),
            ("price", AttributeValue::N(price.to_owned())),
        ]);
        let quantity = 1 + self.below(4);
        if with_quantity {
            let quantity = AttributeValue::N(quantity.to_string());
            item.insert("qty".to_owned(), quantity);
        }
        AttributeValue::M(item)
    }

    fn below(&self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.ids.number() % end).unwrap_or(0)
    }
}

async fn advance(aws: &Aws, order: &Order) -> Result<(), Error> {
    aws.dynamodb
        .update_item()
        .table_name(TABLE)
        .key("customer", text(order.customer.as_str()))
        .key("order", text(order.number.as_str()))
        .update_expression("SET #status = :next")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":next", text(STATES[order.state]))
        .send()
        .await?;
    Ok(())
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}
