//! Where a story lies in its shelf: entries of units together, so that looking for them passes no block. Pure.

/// Before the entries of all units.
pub(super) const UNITS: &[u8] = b"i/";
const BLOCKS: &[u8] = b"u/";

pub(super) fn unit(uuid: &str, unit: u64) -> Vec<u8> {
    [UNITS, uuid.as_bytes(), b"/", &unit.to_be_bytes()].concat()
}

/// Before the blocks of a unit.
pub(super) fn blocks(uuid: &str, unit: u64) -> Vec<u8> {
    [BLOCKS, uuid.as_bytes(), b"/", &unit.to_be_bytes()].concat()
}

pub(super) fn block(uuid: &str, unit: u64, block: u32) -> Vec<u8> {
    let mut key = blocks(uuid, unit);
    key.extend_from_slice(&block.to_be_bytes());
    key
}

/// The mapping and the number in a unit's key.
pub(super) fn parse(key: &[u8]) -> Option<(&str, u64)> {
    let (rest, number) = key.strip_prefix(UNITS)?.split_last_chunk::<8>()?;
    let uuid = std::str::from_utf8(rest.strip_suffix(b"/")?).ok()?;
    Some((uuid, u64::from_be_bytes(*number)))
}
