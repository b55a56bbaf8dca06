//! Training with narrow products: the same sums, the same bytes for any threads, and networks that learn.

use super::{NETS, labels, pixels, planned, shortcuts, trained};
use bincim::train::checkpoint::{self, CheckpointError};
use bincim::train::{self, Samples, Trainer};

fn narrow(text: &str) -> String {
    assert!(text.contains("[train]\n"), "{text}");
    text.replace("[train]\n", "[train]\nproducts = \"narrow\"\n")
}

fn texts() -> Vec<String> {
    NETS.iter()
        .map(|text| text.to_string())
        .chain(shortcuts::texts())
        .filter(|t| !t.contains("[supports]"))
        .collect()
}

fn codes(trainer: &Trainer, images: usize) -> Vec<i8> {
    let table = trainer.plan.pixel_codes();
    pixels(&trainer.plan, images).into_iter().map(|pixel| table[usize::from(pixel)]).collect()
}

#[test]
fn scores_are_those_of_single_precision() {
    for text in texts() {
        let trainer = trained(&text, 40, 1);
        let plan = planned(&narrow(&text));
        let codes = codes(&trainer, 13);
        let expected = trainer.model.scores(&trainer.plan, &codes, None);
        assert_eq!(trainer.model.scores(&plan, &codes, None), expected, "{text}");
    }
}

#[test]
fn gradients_are_near_those_of_single_precision() {
    for text in texts() {
        let trainer = trained(&text, 40, 1);
        let plan = planned(&narrow(&text));
        let codes = codes(&trainer, 30);
        let labels = labels(&plan, &pixels(&plan, 30));
        let gradients = |plan: &train::Plan| {
            let mut model = trainer.model.clone();
            model.gradients(plan, &codes, &labels, train::Moment::START, 0, None);
            model.layers.into_iter().map(|layer| layer.weights.gradient).collect::<Vec<_>>()
        };
        for (layer, (wide, narrow)) in gradients(&trainer.plan).iter().zip(&gradients(&plan)).enumerate() {
            let dot = |a: &[f32], b: &[f32]| {
                a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
            };
            let along = dot(wide, narrow) / (dot(wide, wide) * dot(narrow, narrow)).sqrt();
            assert!(dot(wide, wide) == 0.0 || along > 0.995, "layer {layer}: {along}\n{text}");
        }
    }
}

#[test]
fn threads_change_nothing() {
    for text in texts() {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| checkpoint::save(&trained(&narrow(&text), 40, 2), "d"))
        };
        let one = with(1);
        assert!([2, 3, 5].into_iter().all(|threads| with(threads) == one), "{text}");
    }
}

#[test]
fn a_training_from_a_checkpoint_ends_as_one_at_one_go() {
    let text = narrow(NETS[0]);
    let bytes = checkpoint::save(&trained(&text, 40, 1), "d");
    let mut trainer =
        checkpoint::load(Trainer::new(planned(&text)), "d", &bytes).expect("its own checkpoint");
    let pixels = pixels(&trainer.plan, 40);
    let labels = labels(&trainer.plan, &pixels);
    let samples = Samples { pixels: &pixels, labels: &labels };
    trainer.epoch(&samples, &samples, &mut |_| {}).expect("an epoch");
    assert_eq!(checkpoint::save(&trainer, "d"), checkpoint::save(&trained(&text, 40, 2), "d"));
}

/// What a file without the key means stays as it was, and so do its checkpoints.
#[test]
fn only_narrow_checkpoints_say_how_products_are_computed() {
    let says = |text: &str| {
        let bytes = checkpoint::save(&Trainer::new(planned(text)), "d");
        String::from_utf8_lossy(&bytes).contains("products")
    };
    assert!(!says(NETS[0]) && says(&narrow(NETS[0])));
    let bytes = checkpoint::save(&Trainer::new(planned(NETS[0])), "d");
    let Err(CheckpointError::Other(what)) =
        checkpoint::load(Trainer::new(planned(&narrow(NETS[0]))), "d", &bytes)
    else {
        panic!("another training")
    };
    assert!(what.contains("products: Narrow"), "{what}");
}

#[test]
fn narrow_products_and_supports_exclude_each_other() {
    let text = format!("{}[supports]\nscales = [0.5]\n", narrow(NETS[0]));
    let problems = train::plan(&toml::from_str(&text).expect("a file"), "net").expect_err("no signs");
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(said.len() == 1 && said[0].contains("train.products") && said[0].contains("f32"), "{said:?}");
}

#[test]
fn training_learns() {
    let trainer = trained(&narrow(&NETS[1].replace("epochs = 2", "epochs = 40\nrate = 0.02")), 40, 40);
    let losses: Vec<f64> = trainer.history.iter().map(|epoch| epoch.loss).collect();
    assert!(losses[39] < 0.6 * losses[0], "{losses:?}");
}
