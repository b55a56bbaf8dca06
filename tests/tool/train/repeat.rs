//! The same bytes: for any number of threads, and at one go or from checkpoints.

use super::{NETS, labels, pixels, planned, trained};
use bincim::train::checkpoint::{self, CheckpointError};
use bincim::train::{self, Samples, Trainer};

#[test]
fn threads_change_nothing() {
    for text in NETS {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| trained(text, 40, 2))
        };
        let (one, many) = (with(1), with(5));
        assert_eq!(checkpoint::save(&one, "d"), checkpoint::save(&many, "d"));
        assert_eq!(
            train::onnx(&one.plan, &one.model, train::Weights::Signs),
            train::onnx(&many.plan, &many.model, train::Weights::Signs)
        );
    }
}

#[test]
fn a_training_from_a_checkpoint_ends_as_one_at_one_go() {
    for text in NETS {
        let whole = trained(text, 40, 2);
        let bytes = checkpoint::save(&trained(text, 40, 1), "d");
        let mut trainer =
            checkpoint::load(Trainer::new(planned(text)), "d", &bytes).expect("its own checkpoint");
        let pixels = pixels(&trainer.plan, 40);
        let labels = labels(&trainer.plan, &pixels);
        let samples = Samples { pixels: &pixels, labels: &labels };
        trainer.epoch(&samples, &samples, &mut |_| {}).expect("an epoch");
        assert_eq!(checkpoint::save(&trainer, "d"), checkpoint::save(&whole, "d"));
    }
}

#[test]
fn seeds_differ() {
    let other = format!("{}seed = 2\n", NETS[3]);
    let (a, b) = (trained(NETS[3], 40, 1), trained(&other, 40, 1));
    assert_ne!(a.model.layers[0].weights.value, b.model.layers[0].weights.value);
}

#[test]
fn damaged_and_foreign_checkpoints_are_refused() {
    let trainer = trained(NETS[3], 40, 1);
    let bytes = checkpoint::save(&trainer, "d");
    let load = |bytes: &[u8], data: &str| checkpoint::load(Trainer::new(trainer.plan.clone()), data, bytes);
    assert_eq!(load(&bytes, "d").as_ref(), Ok(&Trainer { ..cleared(&trainer) }));
    for length in [0, 5, 16, 20, 47, 48, 60, bytes.len() - 1] {
        let error = load(&bytes[..length], "d").expect_err("cut short");
        assert!(matches!(error, CheckpointError::Damaged | CheckpointError::Foreign), "{length}: {error}");
    }
    for place in (0..bytes.len()).step_by(bytes.len() / 97) {
        let mut changed = bytes.clone();
        changed[place] ^= 4;
        assert!(load(&changed, "d").is_err(), "byte {place}");
    }
    let Err(CheckpointError::Other(what)) = load(&bytes, "e") else { panic!("other data") };
    assert!(what.contains("data: d") && what.contains("data: e"), "{what}");
    let other = planned(&NETS[3].replace("outputs = 6", "outputs = 5"));
    let Err(CheckpointError::Other(what)) = checkpoint::load(Trainer::new(other), "d", &bytes) else {
        panic!("other plan")
    };
    assert!(what.contains("dense1"), "{what}");
}

/// A trainer without gradients, which no checkpoint keeps.
fn cleared(trainer: &Trainer) -> Trainer {
    let mut trainer = trainer.clone();
    for parameter in trainer.model.parameters() {
        parameter.gradient.fill(0.0);
    }
    trainer
}
