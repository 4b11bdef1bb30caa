//! Characters folded for comparing: case, accents, full-width forms, traditional onto simplified.

use std::sync::LazyLock;

/// The folded form of a character: lower case, half width, without accent, simplified. `None` for combining marks.
pub fn fold(c: char) -> Option<char> {
    Some(match u32::from(c) {
        0..0x80 => c.to_ascii_lowercase(),
        0xC0..0x250 => base_letter(LATIN, u32::from(c) - 0xC0).unwrap_or(c),
        0x300..0x370 => return None,
        0x1E00..0x1F00 => base_letter(VIETNAMESE, u32::from(c) - 0x1E00).unwrap_or(c),
        0x3000 => ' ',
        0xFF01..=0xFF5E => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c).to_ascii_lowercase(),
        code @ 0x3400..0xA000 => {
            SIMPLIFIED.get((code - 0x3400) as usize).and_then(|folded| char::from_u32(u32::from(*folded))).unwrap_or(c)
        }
        _ => c.to_lowercase().next().unwrap_or(c),
    })
}

fn base_letter(table: &str, at: u32) -> Option<char> {
    table.as_bytes().get(at as usize).filter(|b| **b != b'.').map(|b| char::from(*b))
}

/// A text with every character folded: for comparing, never for showing.
pub fn fold_text(text: &str) -> String {
    text.chars().filter_map(fold).collect()
}

// Base letters of U+00C0..U+0250 and U+1E00..U+1F00; a dot where there is none.
const LATIN: &str = "aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuytyaaaaaaccccccccddddeeeeeeeeeeggggggg\
    ghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnn.nnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs...................\
    .............oo.............uu...................dddlllnnnaaiioouuuuuuuuuu.aaaaaa..ggkkoooo..jdddgg..nnaaaaooaaa\
    aeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy............................";
const VIETNAMESE: &str = "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrr\
    rrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwyas..s.aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioo\
    oooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";

/// Folded characters of U+3400..U+A000.
static SIMPLIFIED: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut table: Vec<u16> = (0x3400..0xA000).collect();
    for line in include_str!("../traditional.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut characters = line.chars();
        let Some(target) = characters.next() else { continue };
        for variant in characters {
            if let Some(entry) = table.get_mut((u32::from(variant) as usize).wrapping_sub(0x3400)) {
                *entry = u32::from(target) as u16;
            }
        }
    }
    table
});
