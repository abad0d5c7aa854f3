// SPDX-License-Identifier: Apache-2.0
//
// OpenMLS, over RustCrypto, with its storage in memory. It writes its state in every operation; the others do so on demand.
use crate::Peer;
use openmls::prelude::tls_codec::{Deserialize, Serialize};
use openmls::prelude::*;
use openmls::treesync::LeafNodeParameters;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::OpenMlsProvider;

const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;

pub struct OpenMls;

pub struct Person {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
}

fn config() -> MlsGroupCreateConfig {
    MlsGroupCreateConfig::builder()
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(true)
        .ciphersuite(SUITE)
        .build()
}

fn bytes(m: MlsMessageOut) -> Vec<u8> {
    m.tls_serialize_detached().unwrap()
}

fn read(bytes: &[u8]) -> MlsMessageIn {
    MlsMessageIn::tls_deserialize_exact(bytes).unwrap()
}

fn process(p: &Person, g: &mut MlsGroup, message: &[u8]) -> ProcessedMessageContent {
    let message = read(message).try_into_protocol_message().unwrap();
    g.process_message(&p.provider, message).unwrap().into_content()
}

impl Peer for OpenMls {
    type Person = Person;
    type Group = MlsGroup;
    const NAME: &'static str = "OpenMLS";

    fn person(&self, name: &str) -> Person {
        let signer = SignatureKeyPair::new(SUITE.signature_algorithm()).unwrap();
        let credential = CredentialWithKey {
            credential: BasicCredential::new(name.as_bytes().to_vec()).into(),
            signature_key: signer.to_public_vec().into(),
        };
        Person { provider: OpenMlsRustCrypto::default(), signer, credential }
    }

    fn key_package(&self, p: &Person) -> Vec<u8> {
        let bundle = KeyPackage::builder().build(SUITE, &p.provider, &p.signer, p.credential.clone()).unwrap();
        bytes(MlsMessageOut::from(bundle.key_package().clone()))
    }

    fn found(&self, p: &Person) -> MlsGroup {
        MlsGroup::new(&p.provider, &p.signer, &config(), p.credential.clone()).unwrap()
    }

    fn add(&self, p: &Person, g: &mut MlsGroup, packages: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
        let packages: Vec<KeyPackage> = packages
            .iter()
            .map(|kp| match read(kp).extract() {
                MlsMessageBodyIn::KeyPackage(kp) => kp.validate(p.provider.crypto(), ProtocolVersion::Mls10).unwrap(),
                _ => panic!("not a key package"),
            })
            .collect();
        let (commit, welcome, _) = g.add_members(&p.provider, &p.signer, &packages).unwrap();
        (bytes(commit), bytes(welcome))
    }

    fn update(&self, p: &Person, g: &mut MlsGroup) -> Vec<u8> {
        bytes(g.self_update(&p.provider, &p.signer, LeafNodeParameters::default()).unwrap().into_commit())
    }

    fn apply(&self, p: &Person, g: &mut MlsGroup) {
        g.merge_pending_commit(&p.provider).unwrap();
    }

    fn drop_pending(&self, p: &Person, g: &mut MlsGroup) {
        g.clear_pending_commit(p.provider.storage()).unwrap();
    }

    fn join(&self, p: &Person, welcome: &[u8]) -> MlsGroup {
        let MlsMessageBodyIn::Welcome(welcome) = read(welcome).extract() else { panic!("not a Welcome") };
        StagedWelcome::new_from_welcome(&p.provider, config().join_config(), welcome, None)
            .unwrap()
            .into_group(&p.provider)
            .unwrap()
    }

    fn process(&self, p: &Person, g: &mut MlsGroup, commit: &[u8]) {
        match process(p, g, commit) {
            ProcessedMessageContent::StagedCommitMessage(staged) => g.merge_staged_commit(&p.provider, *staged).unwrap(),
            _ => panic!("not a commit"),
        }
    }

    fn protect(&self, p: &Person, g: &mut MlsGroup, data: &[u8]) -> Vec<u8> {
        bytes(g.create_message(&p.provider, &p.signer, data).unwrap())
    }

    fn unprotect(&self, p: &Person, g: &mut MlsGroup, message: &[u8]) -> Vec<u8> {
        match process(p, g, message) {
            ProcessedMessageContent::ApplicationMessage(m) => m.into_bytes(),
            _ => panic!("not a message"),
        }
    }
}
