//! J-PAKE as browsers do it: the group of 3072 bits with a subgroup of 256 (NIST), proofs of
//! Schnorr, and the keys that come of it.
//!
//! Secrets are numbers, messages are JSON with numbers in hex (spec/clients.md, 3).

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use num_bigint::BigUint;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use crate::crypto::Keys;
use crate::crypto::random;

const P: &str = "
    90066455B5CFC38F9CAA4A48B4281F292C260FEEF01FD61037E56258A7795A1C7AD46076982CE6BB956936C6AB4DCFE0
    5E6784586940CA544B9B2140E1EB523F009D20A7E7880E4E5BFA690F1B9004A27811CD9904AF70420EEFD6EA11EF7DA1
    29F58835FF56B89FAA637BC9AC2EFAAB903402229F491D8D3485261CD068699B6BA58A1DDBBEF6DB51E8FE34E8A78E54
    2D7BA351C21EA8D8F1D29F5D5D15939487E27F4416B0CA632C59EFD1B1EB66511A5A0FBF615B766C5862D0BD8A3FE7A0
    E0DA0FB2FE1FCB19E8F9996A8EA0FCCDE538175238FC8B0EE6F29AF7F642773EBE8CD5402415A01451A840476B2FCEB0
    E388D30D4B376C37FE401C2A2C2F941DAD179C540C1C8CE030D460C4D983BE9AB0B20F69144C1AE13F9383EA1C08504F
    B0BF321503EFE43488310DD8DC77EC5B8349B8BFE97C2C560EA878DE87C11E3D597F1FEA742D73EEC7F37BE43949EF1A
    0D15C3F3E3FC0A8335617055AC91328EC22B50FC15B941D3D1624CD88BC25F3E941FDDC6200689581BFEC416B4B2CB73";

const Q: &str = "CFA0478A54717B08CE64805B76E5B14249A77A4838469DF7F7DC987EFCCFB11D";

const G: &str = "
    5E5CBA992E0A680D885EB903AEA78E4A45A469103D448EDE3B7ACCC54D521E37F84A4BDD5B06B0970CC2D2BBB715F7B8
    2846F9A0C393914C792E6A923E2117AB805276A975AADB5261D91673EA9AAFFEECBFA6183DFCB5D3B7332AA19275AFA1
    F8EC0B60FB6F66CC23AE4870791D5982AAD1AA9485FD8F4A60126FEB2CF05DB8A7F0F09B3397F3937F2E90B9E5B9C9B6
    EFEF642BC48351C46FB171B9BFA9EF17A961CE96C7E7A7CC3D3D03DFAD1078BA21DA425198F07D2481622BCE45969D9C
    4D6063D72AB7A0F08B2F49A7CC6AF335E08C4720E31476B67299E231F8BD90B39AC3AE3BE0C6B6CACEF8289A2E2873D5
    8E51E029CAFBD55E6841489AB66B5B4B9BA6E2F784660896AFF387D92844CCB8B69475496DE19DA2E58259B090489AC8
    E62363CDF82CFD8EF2A427ABCD65750B506F56DDE3B988567A88126B914D7828E2B63A6D7ED0747EC59E0E0A23CE7D8A
    74C1D2C2A7AFB6A29799620F00E11C33787F7DED3B30E1A22D09F1FBDA1ABBBFBF25CAE05A13F812E34563F99410E73B";

/// What goes into the making of keys.
const INFO: &[u8] = b"Sync-AES_256_CBC-HMAC256";

struct Group {
    p: BigUint,
    q: BigUint,
    g: BigUint,
}

impl Group {
    fn new() -> Self {
        let [p, q, g] =
            [P, Q, G].map(|text| number(&text.replace(char::is_whitespace, "")).unwrap());
        Self { p, q, g }
    }

    fn power(&self, base: &BigUint, exponent: &BigUint) -> BigUint {
        base.modpow(exponent, &self.p)
    }

    fn times(&self, factors: &[&BigUint]) -> BigUint {
        let one = BigUint::from(1_u8);
        factors
            .iter()
            .fold(one, |product, factor| product * *factor % &self.p)
    }

    /// A number from 1 to q - 1.
    fn secret(&self) -> BigUint {
        let one = BigUint::from(1_u8);
        BigUint::from_bytes_be(&random::<64>()) % (&self.q - &one) + one
    }

    /// Proves to know the exponent of `power`, without telling it.
    fn prove(&self, base: &BigUint, exponent: &BigUint, signer: &str) -> Value {
        let v = self.secret();
        let gr = self.power(base, &v);
        let hash = challenge(base, &gr, &self.power(base, exponent), signer);
        let shift = exponent * hash % &self.q;
        let b = (v + &self.q - shift) % &self.q;
        json!({"gr": hex(&gr), "b": hex(&b), "id": signer})
    }

    /// Whether the proof is of `power`, by this signer.
    fn is_proved(&self, base: &BigUint, power: &BigUint, proof: &Value, signer: &str) -> bool {
        let (Some(gr), Some(b)) = (field(proof, "gr"), field(proof, "b")) else {
            return false;
        };
        let one = BigUint::from(1_u8);
        let in_group = *power > one && self.power(power, &self.q) == one;
        let hash = challenge(base, &gr, power, signer);
        let shown = self.times(&[&self.power(base, &b), &self.power(power, &hash)]);
        in_group && proof["id"] == signer && shown == gr
    }
}

/// One of two who know, or do not know, the same secret.
pub(crate) struct Party {
    group: Group,
    own: &'static str,
    other: &'static str,
    secret: BigUint,
    x1: BigUint,
    x2: BigUint,
    /// The other's two powers, once they are known.
    theirs: Option<(BigUint, BigUint)>,
}

impl Party {
    pub(crate) fn new(own: &'static str, other: &'static str, secret: &str) -> Self {
        let group = Group::new();
        Self {
            own,
            other,
            secret: BigUint::from_bytes_be(secret.as_bytes()),
            x1: group.secret(),
            x2: group.secret(),
            theirs: None,
            group,
        }
    }

    /// The payload of the first message.
    pub(crate) fn one(&self) -> Value {
        let group = &self.group;
        let power = |x| hex(&group.power(&group.g, x));
        json!({
            "gx1": power(&self.x1),
            "gx2": power(&self.x2),
            "zkp_x1": group.prove(&group.g, &self.x1, self.own),
            "zkp_x2": group.prove(&group.g, &self.x2, self.own),
        })
    }

    /// The payload of the second message, made from the other's first.
    pub(crate) fn two(&mut self, one: &Value) -> Result<Value, String> {
        let group = &self.group;
        let power = |power: &str, proof: &str| {
            let power = field(one, power).ok_or("no number")?;
            let proved = group.is_proved(&group.g, &power, &one[proof], self.other);
            proved.then_some(power).ok_or("not proved")
        };
        let (gx3, gx4) = (power("gx1", "zkp_x1")?, power("gx2", "zkp_x2")?);
        let gx1 = group.power(&group.g, &self.x1);
        let base = group.times(&[&gx1, &gx3, &gx4]);
        let exponent = &self.x2 * &self.secret % &group.q;
        let a = json!({
            "A": hex(&group.power(&base, &exponent)),
            "zkp_A": group.prove(&base, &exponent, self.own),
        });
        self.theirs = Some((gx3, gx4));
        Ok(a)
    }

    /// The keys, made from the other's second message; the same for both if the secret was.
    pub(crate) fn keys(&self, two: &Value) -> Result<Keys, String> {
        let group = &self.group;
        let (gx3, gx4) = self.theirs.as_ref().ok_or("the second came first")?;
        let b = field(two, "A").ok_or("no number")?;
        let [gx1, gx2] = [&self.x1, &self.x2].map(|x| group.power(&group.g, x));
        let base = group.times(&[&gx1, &gx2, gx3]);
        if !group.is_proved(&base, &b, &two["zkp_A"], self.other) {
            return Err("not proved".to_owned());
        }
        // (B / gx4 ^ (x2 * s)) ^ x2
        let exponent = &self.x2 * &self.secret % &group.q;
        let divisor = group.power(gx4, &(&group.q - exponent));
        let key = group.power(&group.times(&[&b, &divisor]), &self.x2);
        Ok(expand(&key.to_bytes_be()))
    }
}

/// HKDF (RFC 5869) without salt.
fn expand(key: &[u8]) -> Keys {
    let extracted = mac(&[0; 32], &[key]);
    let encryption = mac(&extracted, &[INFO, &[1]]);
    let authentication = mac(&extracted, &[&encryption, INFO, &[2]]);
    Keys {
        encryption,
        authentication,
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn challenge(base: &BigUint, gr: &BigUint, power: &BigUint, signer: &str) -> BigUint {
    let mut hash = Sha256::new();
    let numbers = [base, gr, power].map(BigUint::to_bytes_be);
    let parts = numbers.iter().map(Vec::as_slice);
    for part in parts.chain([signer.as_bytes()]) {
        hash.update(u16::try_from(part.len()).unwrap().to_be_bytes());
        hash.update(part);
    }
    BigUint::from_bytes_be(&hash.finalize())
}

fn field(object: &Value, name: &str) -> Option<BigUint> {
    number(object[name].as_str()?)
}

fn number(text: &str) -> Option<BigUint> {
    BigUint::parse_bytes(text.as_bytes(), 16)
}

fn hex(number: &BigUint) -> String {
    number.to_str_radix(16)
}

#[test]
fn the_group_is_one() {
    let group = Group::new();
    assert_eq!((group.p.bits(), group.q.bits()), (3072, 256));
    let one = BigUint::from(1_u8);
    assert_eq!((&group.p - &one) % &group.q, BigUint::ZERO);
    assert_eq!(group.power(&group.g, &group.q), one);
}

#[test]
fn two_who_know_the_same_have_the_same_keys() {
    #[track_caller]
    fn check(secrets: (&str, &str), same: bool) {
        let mut receiver = Party::new("receiver", "sender", secrets.0);
        let mut sender = Party::new("sender", "receiver", secrets.1);
        let two = receiver.two(&sender.one()).unwrap();
        let other = sender.two(&receiver.one()).unwrap();
        let keys = (receiver.keys(&other).unwrap(), sender.keys(&two).unwrap());
        assert_eq!(keys.0 == keys.1, same);
    }
    check(("abcdefgh", "abcdefgh"), true);
    check(("abcdefgh", "abcdefgi"), false);
}

#[test]
fn a_message_that_is_sent_back_proves_nothing() {
    let mut receiver = Party::new("receiver", "sender", "abcdefgh");
    let own = receiver.one();
    assert_eq!(receiver.two(&own), Err("not proved".to_owned()));
}
