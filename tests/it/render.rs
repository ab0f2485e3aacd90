//! Pictures of the console without a display: tessellates as the window does and fills the triangles on the CPU.
//!
//! The same on every machine, so that pictures can be compared. Knows nothing of the console.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::iter_over_hash_type,
    reason = "pixels are small whole numbers, and textures may be filled in any order"
)]

use std::collections::HashMap;
use std::path::Path;

use egui::epaint::{ImageData, Mesh, Primitive, Vertex};
use egui::{Color32, Pos2, Rect, TextureId};
use egui_kittest::{Harness, TestRenderer};
use image::RgbaImage;

/// A texture: premultiplied colours in gamma space, row by row.
#[derive(Default)]
struct Texture {
    size: [usize; 2],
    texels: Vec<Color32>,
}

/// Renders on the CPU. Blends premultiplied colours in gamma space, samples bilinearly and fills by the
/// top-left rule, as the console's window does on a graphics card.
#[derive(Default)]
pub(crate) struct CpuRenderer {
    textures: HashMap<TextureId, Texture>,
}

/// Draws the harness as it is now into a PNG file.
pub(crate) fn shot<State>(harness: &mut Harness<'_, State>, path: impl AsRef<Path>) {
    let path = path.as_ref();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).unwrap();
    }
    harness.render().unwrap().save(path).unwrap();
}

impl TestRenderer for CpuRenderer {
    fn handle_delta(&mut self, delta: &mut egui::TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                let ImageData::Color(image) = change.image;
                let texture = self.textures.entry(id).or_default();
                match change.pos {
                    None => {
                        texture.size = image.size;
                        texture.texels.clone_from(&image.pixels);
                    }
                    Some([left, top]) => texture.patch(left, top, &image),
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(
        &mut self,
        ctx: &egui::Context,
        output: &egui::FullOutput,
    ) -> Result<RgbaImage, String> {
        let scale = output.pixels_per_point;
        let size = ctx.input(egui::InputState::viewport_rect).size() * scale;
        let mut canvas = Canvas::new(size.x.round() as usize, size.y.round() as usize);
        for primitive in ctx.tessellate(output.shapes.clone(), scale) {
            let Primitive::Mesh(mesh) = primitive.primitive else {
                return Err("paint callbacks cannot be drawn without a graphics card".to_owned());
            };
            let Some(texture) = self.textures.get(&mesh.texture_id) else {
                return Err(format!("no texture {:?}", mesh.texture_id));
            };
            canvas.clip(primitive.clip_rect * scale);
            canvas.mesh(&mesh, texture, scale);
        }
        Ok(canvas.into_image())
    }
}

impl Texture {
    fn patch(&mut self, left: usize, top: usize, image: &egui::ColorImage) {
        let [width, height] = image.size;
        for row in 0..height {
            let to = (top + row) * self.size[0] + left;
            let from = row * width;
            self.texels[to..to + width].copy_from_slice(&image.pixels[from..from + width]);
        }
    }

    fn texel(&self, x: usize, y: usize) -> Color32 {
        self.texels[y * self.size[0] + x]
    }

    /// The texel that a constant coordinate means, when it means exactly one.
    fn at(&self, uv: Pos2) -> [f32; 4] {
        let [width, height] = self.size;
        let x = uv.x * width as f32 - 0.5;
        let y = uv.y * height as f32 - 0.5;
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let column = |x: f32| (x.max(0.0) as usize).min(width - 1);
        let row = |y: f32| (y.max(0.0) as usize).min(height - 1);
        let corners = [
            (self.texel(column(x0), row(y0)), (1.0 - fx) * (1.0 - fy)),
            (self.texel(column(x0 + 1.0), row(y0)), fx * (1.0 - fy)),
            (self.texel(column(x0), row(y0 + 1.0)), (1.0 - fx) * fy),
            (self.texel(column(x0 + 1.0), row(y0 + 1.0)), fx * fy),
        ];
        let mut sum = [0.0; 4];
        for (color, weight) in corners {
            if weight > 0.0 {
                for (sum, part) in sum.iter_mut().zip(color.to_array()) {
                    *sum += f32::from(part) * weight;
                }
            }
        }
        sum
    }
}

/// Positions are snapped to this fraction of a pixel, so that neighbours share their edges exactly.
const SUBPIXELS: i64 = 256;

struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 4]>,
    /// Columns and rows that may be drawn: from, to (exclusive).
    columns: (usize, usize),
    rows: (usize, usize),
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![[0, 0, 0, 255]; width * height],
            columns: (0, width),
            rows: (0, height),
        }
    }

    fn into_image(self) -> RgbaImage {
        let (width, height) = (self.width as u32, self.height as u32);
        RgbaImage::from_raw(width, height, self.pixels.into_flattened()).unwrap()
    }

    fn clip(&mut self, rect: Rect) {
        let limit = |at: f32, most: usize| (at.round().max(0.0) as usize).min(most);
        self.columns = (limit(rect.min.x, self.width), limit(rect.max.x, self.width));
        self.rows = (
            limit(rect.min.y, self.height),
            limit(rect.max.y, self.height),
        );
    }

    fn mesh(&mut self, mesh: &Mesh, texture: &Texture, scale: f32) {
        let mut indices = mesh.indices.chunks_exact(3).peekable();
        while let Some(first) = indices.next() {
            let corners =
                |indices: &[u32]| [0, 1, 2].map(|nth: usize| mesh.vertices[indices[nth] as usize]);
            let one = corners(first);
            if let Some(second) = indices.peek() {
                let two = corners(second);
                if self.rectangle(&one, &two, texture, scale) {
                    indices.next();
                    continue;
                }
            }
            self.triangle(&one, texture, scale);
        }
    }

    /// Two triangles that make an upright rectangle of one colour, with a constant texel or texels that
    /// fall on pixels, are filled without thinking about each pixel: that is most of any screen.
    fn rectangle(
        &mut self,
        one: &[Vertex; 3],
        two: &[Vertex; 3],
        texture: &Texture,
        scale: f32,
    ) -> bool {
        let all = || one.iter().chain(two);
        let bounds = Rect::from_points(&all().map(|it| it.pos).collect::<Vec<_>>());
        let texels = Rect::from_points(&all().map(|it| it.uv).collect::<Vec<_>>());
        let color = one[0].color;
        let upright = all().all(|it| {
            let (x, y) = (it.pos.x, it.pos.y);
            it.color == color
                && (x == bounds.min.x || x == bounds.max.x)
                && (y == bounds.min.y || y == bounds.max.y)
        });
        // Each triangle must have three of the corners and both together all four.
        let corners = |it: &[Vertex; 3]| {
            it.iter().fold(0_u8, |found, it| {
                let right = u8::from(it.pos.x == bounds.max.x);
                let bottom = u8::from(it.pos.y == bounds.max.y);
                found | 1 << (right + 2 * bottom)
            })
        };
        let (first, second) = (corners(one), corners(two));
        let halves = first.count_ones() == 3 && second.count_ones() == 3;
        if !upright || !halves || first | second != 0b1111 {
            return false;
        }
        let to = bounds * scale;
        if texels.size() == egui::Vec2::ZERO {
            let [left, right] = [to.min.x, to.max.x].map(centre_at_or_after);
            let [top, bottom] = [to.min.y, to.max.y].map(centre_at_or_after);
            let source = times(texture.at(texels.min), color);
            for row in self.visible_rows(top, bottom) {
                self.span(row, left, right, source);
            }
            return true;
        }
        self.copy(to, texels, color, texture)
    }

    /// Texels onto pixels, one to one: glyphs.
    fn copy(&mut self, to: Rect, texels: Rect, color: Color32, texture: &Texture) -> bool {
        let [width, height] = texture.size.map(|it| it as f32);
        let from = Rect::from_min_max(
            egui::pos2(texels.min.x * width, texels.min.y * height),
            egui::pos2(texels.max.x * width, texels.max.y * height),
        );
        let whole = |at: f32| (at - at.round()).abs() < 1e-3;
        let aligned = [to.min.x, to.min.y, from.min.x, from.min.y]
            .into_iter()
            .all(whole);
        let same = (to.size() - from.size()).length() < 1e-3;
        if !aligned || !same || !whole(to.max.x) || !whole(to.max.y) {
            return false;
        }
        let (left, top) = (to.min.x.round() as i64, to.min.y.round() as i64);
        let (right, bottom) = (to.max.x.round() as i64, to.max.y.round() as i64);
        let (u, v) = (from.min.x.round() as i64, from.min.y.round() as i64);
        for row in self.visible_rows(top, bottom) {
            let y = (v + row as i64 - top) as usize;
            for column in self.visible_columns(left, right) {
                let x = (u + column as i64 - left) as usize;
                let texel = texture.texel(x, y);
                if texel != Color32::TRANSPARENT {
                    self.blend(row, column, times(texel.to_array().map(f32::from), color));
                }
            }
        }
        true
    }

    fn triangle(&mut self, corners: &[Vertex; 3], texture: &Texture, scale: f32) {
        let snap = |at: f32| (at * scale * SUBPIXELS as f32).round() as i64;
        let mut at = corners.map(|it| (snap(it.pos.x), snap(it.pos.y)));
        let mut corners = *corners;
        let area = cross(at[0], at[1], at[2]);
        if area == 0 {
            return;
        }
        if area < 0 {
            at.swap(1, 2);
            corners.swap(1, 2);
        }
        let area = area.abs() as f32;
        let shade = Shade::new(&corners, texture);
        let (top, bottom) = (
            at.iter()
                .map(|it| it.1)
                .min()
                .unwrap_or(0)
                .div_euclid(SUBPIXELS),
            at.iter()
                .map(|it| it.1)
                .max()
                .unwrap_or(0)
                .div_euclid(SUBPIXELS)
                + 1,
        );
        for row in self.visible_rows(top, bottom) {
            let y = row as i64 * SUBPIXELS + SUBPIXELS / 2;
            let Some((left, right)) = reach(&at, y) else {
                continue;
            };
            if let Shade::Flat(source) = shade {
                self.span(row, left, right, source);
                continue;
            }
            for column in self.visible_columns(left, right) {
                let point = (column as i64 * SUBPIXELS + SUBPIXELS / 2, y);
                let weights = [
                    cross(at[1], at[2], point) as f32 / area,
                    cross(at[2], at[0], point) as f32 / area,
                    cross(at[0], at[1], point) as f32 / area,
                ];
                self.blend(row, column, shade.source(&corners, weights, texture));
            }
        }
    }

    fn visible_rows(&self, top: i64, bottom: i64) -> std::ops::Range<usize> {
        within(top, bottom, self.rows)
    }

    fn visible_columns(&self, left: i64, right: i64) -> std::ops::Range<usize> {
        within(left, right, self.columns)
    }

    fn span(&mut self, row: usize, left: i64, right: i64, source: [f32; 4]) {
        let columns = self.visible_columns(left, right);
        let start = row * self.width;
        let pixels = &mut self.pixels[start + columns.start..start + columns.end];
        if source[3] >= 254.5 {
            pixels.fill(source.map(|it| it.round() as u8));
        } else {
            for pixel in pixels {
                *pixel = over(source, *pixel);
            }
        }
    }

    fn blend(&mut self, row: usize, column: usize, source: [f32; 4]) {
        let pixel = &mut self.pixels[row * self.width + column];
        *pixel = over(source, *pixel);
    }
}

/// How a triangle gets its colours.
enum Shade {
    /// One colour all over.
    Flat([f32; 4]),
    /// Colours between those of the corners, one texel.
    Smooth([f32; 4]),
    Textured,
}

impl Shade {
    fn new(corners: &[Vertex; 3], texture: &Texture) -> Self {
        if corners.iter().any(|it| it.uv != corners[0].uv) {
            return Self::Textured;
        }
        let texel = texture.at(corners[0].uv);
        if corners.iter().all(|it| it.color == corners[0].color) {
            Self::Flat(times(texel, corners[0].color))
        } else {
            Self::Smooth(texel)
        }
    }

    fn source(&self, corners: &[Vertex; 3], weights: [f32; 3], texture: &Texture) -> [f32; 4] {
        let mut color = [0.0; 4];
        let mut uv = egui::Vec2::ZERO;
        for (corner, weight) in corners.iter().zip(weights) {
            for (sum, part) in color.iter_mut().zip(corner.color.to_array()) {
                *sum += f32::from(part) * weight;
            }
            uv += corner.uv.to_vec2() * weight;
        }
        let texel = match self {
            Self::Flat(source) => return *source,
            Self::Smooth(texel) => *texel,
            Self::Textured => texture.at(uv.to_pos2()),
        };
        std::array::from_fn(|nth| color[nth] * texel[nth] / 255.0)
    }
}

/// Twice the signed area of the triangle; positive when clockwise on the screen.
fn cross(a: (i64, i64), b: (i64, i64), c: (i64, i64)) -> i64 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

/// The columns of a row whose centres lie inside a clockwise triangle, by the top-left rule.
fn reach(at: &[(i64, i64); 3], y: i64) -> Option<(i64, i64)> {
    let (mut left, mut right) = (i64::MIN / 2, i64::MAX / 2);
    for nth in 0..3 {
        let (from, to) = (at[nth], at[(nth + 1) % 3]);
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let top_left = (dy == 0 && dx > 0) || dy < 0;
        // Inside: dx * (y - from.y) - dy * (x - from.x) + bias >= 0, for x the centre of a column.
        let rest = dx * (y - from.1) + dy * from.0 - i64::from(!top_left);
        let rest = rest - dy * (SUBPIXELS / 2);
        let slope = dy * SUBPIXELS;
        match slope.signum() {
            0 if rest < 0 => return None,
            0 => (),
            1 => right = right.min(rest.div_euclid(slope) + 1),
            _ => left = left.max(-rest.div_euclid(-slope)),
        }
    }
    (left < right).then_some((left, right))
}

/// The first pixel whose centre is at or after this coordinate.
fn centre_at_or_after(at: f32) -> i64 {
    (at - 0.5).ceil() as i64
}

fn within(from: i64, to: i64, limits: (usize, usize)) -> std::ops::Range<usize> {
    let clamp = |at: i64| at.clamp(limits.0 as i64, limits.1.max(limits.0) as i64) as usize;
    clamp(from)..clamp(to).max(clamp(from))
}

fn times(texel: [f32; 4], color: Color32) -> [f32; 4] {
    let color = color.to_array();
    std::array::from_fn(|nth| texel[nth] * f32::from(color[nth]) / 255.0)
}

fn over(source: [f32; 4], pixel: [u8; 4]) -> [u8; 4] {
    let keep = 1.0 - source[3] / 255.0;
    std::array::from_fn(|nth| (source[nth] + f32::from(pixel[nth]) * keep).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas_with(triangles: &[[(f32, f32); 3]]) -> Canvas {
        let white = Texture {
            size: [1, 1],
            texels: vec![Color32::WHITE],
        };
        let mut canvas = Canvas::new(16, 16);
        for corners in triangles {
            let corners = corners.map(|(x, y)| Vertex {
                pos: egui::pos2(x, y),
                uv: Pos2::ZERO,
                color: Color32::from_white_alpha(64),
            });
            canvas.triangle(&corners, &white, 1.0);
        }
        canvas
    }

    #[test]
    #[expect(clippy::many_single_char_names, reason = "corners")]
    fn neighbouring_triangles_neither_overlap_nor_leave_gaps() {
        let (a, b, c, d, m) = (
            (1.3, 1.7),
            (14.6, 2.1),
            (13.9, 14.2),
            (2.2, 13.4),
            (7.1, 8.3),
        );
        let canvas = canvas_with(&[[a, b, m], [b, c, m], [c, d, m], [d, a, m]]);
        let once = [64, 64, 64, 255];
        for pixel in &canvas.pixels {
            assert!(*pixel == once || *pixel == [0, 0, 0, 255], "{pixel:?}");
        }
        let inside = canvas.pixels.iter().filter(|it| **it == once).count();
        assert!((140..160).contains(&inside), "{inside}");
    }

    #[test]
    fn an_upright_rectangle_covers_the_pixels_whose_centres_it_contains() {
        let canvas = canvas_with(&[
            [(2.0, 3.0), (5.0, 3.0), (5.0, 6.0)],
            [(2.0, 3.0), (5.0, 6.0), (2.0, 6.0)],
        ]);
        let covered = canvas.pixels.iter().filter(|it| it[0] > 0).count();
        assert_eq!(covered, 9);
    }
}
