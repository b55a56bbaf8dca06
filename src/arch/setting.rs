//! A number of the architecture file, or the word "auto".

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A whole number, or "auto" (the default): chosen for the network and the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Setting {
    #[default]
    Auto,
    Value(usize),
}

impl Setting {
    /// The number, or `automatic` where the file says "auto".
    pub fn or(self, automatic: usize) -> usize {
        match self {
            Setting::Auto => automatic,
            Setting::Value(value) => value,
        }
    }

    /// The number, if there is one.
    pub fn value(self) -> Option<usize> {
        match self {
            Setting::Auto => None,
            Setting::Value(value) => Some(value),
        }
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Setting::Auto => serializer.serialize_str("auto"),
            Setting::Value(value) => serializer.serialize_u64(*value as u64),
        }
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Setting, D::Error> {
        struct NumberOrAuto;
        impl Visitor<'_> for NumberOrAuto {
            type Value = Setting;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a whole number or \"auto\"")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Setting, E> {
                usize::try_from(value)
                    .map(Setting::Value)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Setting, E> {
                usize::try_from(value)
                    .map(Setting::Value)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Setting, E> {
                match value {
                    "auto" => Ok(Setting::Auto),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(NumberOrAuto)
    }
}

impl JsonSchema for Setting {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Setting".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A whole number, or \"auto\": chosen for the network and the device.",
            "oneOf": [{ "type": "integer", "minimum": 0 }, { "const": "auto" }],
            "default": "auto"
        })
    }
}
