//! Results as view records, to JSON and to one self-contained HTML page.
//!
//! Imports no computing module: `cli` fills the records, this module only shows them. No disk, no
//! clock; the same records give the same bytes.

mod diagram;
mod figures;
mod html;
pub mod junit;
pub mod keys;
mod plot;
mod train;
mod vary;
mod view;

pub use diagram::{BlockView, Place, diagram};
pub use figures::{Speed, speed};
pub use html::{html, thousands};
pub use train::{EpochView, TrainView, train_svg};
pub use vary::{ChanceView, FlipView, LossView, ProbabilityView, SweepView, ValueView, VaryView, vary_html};
pub use view::{
    Available, ClockView, DesignView, LayerView, Page, SeedView, SynthView, ToolView, UsedView, VerifyView,
};

/// A record as JSON text with a final newline.
pub fn json<T: serde::Serialize>(record: &T) -> String {
    let mut text = serde_json::to_string_pretty(record).expect("view records hold plain values");
    text.push('\n');
    text
}
