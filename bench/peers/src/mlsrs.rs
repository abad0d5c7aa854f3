// SPDX-License-Identifier: Apache-2.0
//
// mls-rs, over OpenSSL.
use crate::Peer;
use mls_rs::client_builder::{BaseConfig, WithCryptoProvider, WithIdentityProvider, WithMlsRules};
use mls_rs::group::ReceivedMessage;
use mls_rs::identity::basic::{BasicCredential, BasicIdentityProvider};
use mls_rs::identity::SigningIdentity;
use mls_rs::mls_rules::{CommitOptions, DefaultMlsRules, EncryptionOptions};
use mls_rs::client_builder::PaddingMode;
use mls_rs::{CipherSuite, CipherSuiteProvider, Client, CryptoProvider, Group, MlsMessage};
use mls_rs_crypto_openssl::OpensslCryptoProvider;

const SUITE: CipherSuite = CipherSuite::CURVE25519_AES128;
type Base = WithCryptoProvider<OpensslCryptoProvider, WithIdentityProvider<BasicIdentityProvider, BaseConfig>>;
type Config = WithMlsRules<DefaultMlsRules, Base>;

#[derive(Default)]
pub struct MlsRs {
    crypto: OpensslCryptoProvider,
}

impl Peer for MlsRs {
    type Person = Client<Config>;
    type Group = Group<Config>;
    const NAME: &'static str = "mls-rs";

    fn person(&self, name: &str) -> Self::Person {
        let provider = self.crypto.cipher_suite_provider(SUITE).unwrap();
        let (secret, public) = provider.signature_key_generate().unwrap();
        let identity = SigningIdentity::new(BasicCredential::new(name.as_bytes().to_vec()).into_credential(), public);
        let rules = DefaultMlsRules::new()
            .with_commit_options(CommitOptions::new().with_path_required(true).with_ratchet_tree_extension(true))
            .with_encryption_options(EncryptionOptions::new(true, PaddingMode::None));
        Client::builder()
            .identity_provider(BasicIdentityProvider)
            .crypto_provider(self.crypto.clone())
            .mls_rules(rules)
            .signing_identity(identity, secret, SUITE)
            .build()
    }

    fn key_package(&self, p: &Self::Person) -> Vec<u8> {
        p.generate_key_package_message(Default::default(), Default::default(), None).unwrap().to_bytes().unwrap()
    }

    fn found(&self, p: &Self::Person) -> Self::Group {
        p.group_builder().unwrap().build().unwrap()
    }

    fn add(&self, _: &Self::Person, g: &mut Self::Group, packages: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
        let mut builder = g.commit_builder();
        for kp in packages {
            builder = builder.add_member(MlsMessage::from_bytes(kp).unwrap()).unwrap();
        }
        let out = builder.build().unwrap();
        (out.commit_message.to_bytes().unwrap(), out.welcome_messages[0].to_bytes().unwrap())
    }

    fn update(&self, _: &Self::Person, g: &mut Self::Group) -> Vec<u8> {
        g.commit(vec![]).unwrap().commit_message.to_bytes().unwrap()
    }

    fn apply(&self, _: &Self::Person, g: &mut Self::Group) {
        g.apply_pending_commit().unwrap();
    }

    fn drop_pending(&self, _: &Self::Person, g: &mut Self::Group) {
        g.clear_pending_commit();
    }

    fn join(&self, p: &Self::Person, welcome: &[u8]) -> Self::Group {
        p.join_group(None, &MlsMessage::from_bytes(welcome).unwrap(), None).unwrap().0
    }

    fn process(&self, _: &Self::Person, g: &mut Self::Group, commit: &[u8]) {
        match g.process_incoming_message(MlsMessage::from_bytes(commit).unwrap()).unwrap() {
            ReceivedMessage::Commit(_) => (),
            _ => panic!("not a commit"),
        }
    }

    fn protect(&self, _: &Self::Person, g: &mut Self::Group, data: &[u8]) -> Vec<u8> {
        g.encrypt_application_message(data, Default::default()).unwrap().to_bytes().unwrap()
    }

    fn unprotect(&self, _: &Self::Person, g: &mut Self::Group, message: &[u8]) -> Vec<u8> {
        match g.process_incoming_message(MlsMessage::from_bytes(message).unwrap()).unwrap() {
            ReceivedMessage::ApplicationMessage(m) => m.data().to_vec(),
            _ => panic!("not a message"),
        }
    }
}
