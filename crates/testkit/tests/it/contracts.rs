use alloy_primitives::{Address, B256, Bytes, U256, b256};
use alloy_sol_types::{SolCall, SolEvent};
use http402_testkit::chain::contract::abi::{
    HostileToken, Multicall, TestUsdc, Wallet1271, WalletFactory,
};
use http402_testkit::chain::contract::{
    HOSTILE_WALLET, MULTICALL_ADDRESS, TokenFault, USDC_BASE_SEPOLIA, WALLET_1271, WALLET_FACTORY,
    WalletFault,
};
use http402_testkit::chain::{Chain, DEV_ACCOUNTS};

use crate::scene::{PAYER, SETTLER, dev, payment, request, send, settlement, shop, usdc};

#[test]
fn the_domain_is_that_of_usdc_on_base_sepolia() {
    let chain = Chain::builder().build();
    let known = b256!("71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818");
    assert_eq!(usdc(&chain).domain_separator(), known);
    assert_eq!(usdc(&chain).domain().separator(), known);
}

#[test]
fn an_authorized_transfer_moves_the_money_once() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let message = payment(&chain, dev(PAYER), 1);
    let before = token.balance_of(dev(PAYER));
    let input = settlement(&token, &message);

    let receipt = send(&chain, dev(SETTLER), token.address(), input.clone());
    assert!(receipt.status());
    assert_eq!(token.balance_of(shop()), U256::from(1000));
    assert_eq!(token.balance_of(dev(PAYER)), before - U256::from(1000));
    assert!(token.authorization_used(dev(PAYER), message.nonce));
    let [used, moved] = receipt.logs() else {
        panic!("two logs, not {:?}", receipt.logs())
    };
    let used = TestUsdc::AuthorizationUsed::decode_log_validate(&used.inner).unwrap();
    assert_eq!((used.authorizer, used.nonce), (dev(PAYER), message.nonce));
    let moved = TestUsdc::Transfer::decode_log_validate(&moved.inner).unwrap();
    assert_eq!(
        (moved.from, moved.to, moved.value),
        (dev(PAYER), shop(), U256::from(1000))
    );

    let replay = chain
        .call(&request(dev(SETTLER), token.address(), input.clone()))
        .unwrap_err();
    assert_eq!(
        replay.message(),
        "execution reverted: FiatTokenV2: authorization is used or canceled"
    );
    assert!(!send(&chain, dev(SETTLER), token.address(), input).status());
    assert_eq!(token.balance_of(shop()), U256::from(1000));
}

#[test]
fn both_signature_forms_are_the_same_transfer() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let message = payment(&chain, dev(PAYER), 2);
    let signature = token.authorize(&DEV_ACCOUNTS[PAYER].signer(), &message);
    let call = TestUsdc::transferWithAuthorization_0Call {
        from: message.from,
        to: message.to,
        value: message.value,
        validAfter: message.validAfter,
        validBefore: message.validBefore,
        nonce: message.nonce,
        v: signature.as_bytes()[64],
        r: signature.r().into(),
        s: signature.s().into(),
    };
    assert!(send(&chain, dev(SETTLER), token.address(), call.abi_encode()).status());
    assert_eq!(token.balance_of(shop()), U256::from(1000));
}

/// Each way to be refused, with the words of the real token.
#[test]
fn refusals_name_their_reason() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let signer = DEV_ACCOUNTS[PAYER].signer();
    let good = payment(&chain, dev(PAYER), 3);
    let refused = |message: &_, signature: Vec<u8>| {
        let call = request(
            dev(SETTLER),
            token.address(),
            token.settlement(message, signature),
        );
        let error = chain.call(&call).unwrap_err();
        assert!(error.is_revert());
        error
            .message()
            .trim_start_matches("execution reverted: ")
            .to_owned()
    };
    let signed = |message: &_| {
        refused(
            message,
            token.authorize(&signer, message).as_bytes().to_vec(),
        )
    };

    let now = U256::from(chain.now());
    let mut late = good.clone();
    late.validBefore = now - U256::from(1);
    assert_eq!(signed(&late), "FiatTokenV2: authorization is expired");
    let mut early = good.clone();
    early.validAfter = now + U256::from(60);
    assert_eq!(
        signed(&early),
        "FiatTokenV2: authorization is not yet valid"
    );
    let mut rich = good.clone();
    rich.value = U256::from(2_000_000_000_000u64);
    assert_eq!(signed(&rich), "ERC20: transfer amount exceeds balance");
    let mut other = good.clone();
    other.from = dev(4);
    assert_eq!(signed(&other), "FiatTokenV2: invalid signature");

    let bytes = token.authorize(&signer, &good).as_bytes();
    assert_eq!(
        refused(&good, bytes[..64].to_vec()),
        "ECRecover: invalid signature length"
    );
    let mut compact_v = bytes.to_vec();
    compact_v[64] -= 27;
    assert_eq!(
        refused(&good, compact_v),
        "ECRecover: invalid signature 'v' value"
    );
    token.set_blacklisted(dev(PAYER), true);
    assert_eq!(signed(&good), "Blacklistable: account is blacklisted");
    token.set_blacklisted(dev(PAYER), false);
    token.set_paused(true);
    assert_eq!(signed(&good), "Pausable: paused");
    token.set_paused(false);
    assert!(
        send(
            &chain,
            dev(SETTLER),
            token.address(),
            settlement(&token, &good)
        )
        .status()
    );
}

#[test]
fn s31_high_s_is_refused_by_the_token() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let message = payment(&chain, dev(PAYER), 4);
    let low = token.authorize(&DEV_ACCOUNTS[PAYER].signer(), &message);
    let order = U256::from_str_radix(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141",
        16,
    )
    .unwrap();
    let mut high = low.as_bytes();
    high[32..64].copy_from_slice(&(order - low.s()).to_be_bytes::<32>());
    high[64] = 27 + (28 - high[64]);
    let call = |signature: [u8; 65]| {
        let input = token.settlement(&message, signature);
        chain.call(&request(dev(SETTLER), token.address(), input))
    };
    let error = call(high).unwrap_err();
    assert_eq!(
        error.message(),
        "execution reverted: ECRecover: invalid signature 's' value"
    );
    assert!(call(low.as_bytes()).is_ok());
}

#[test]
fn a_cancelled_authorization_cannot_be_used() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let message = payment(&chain, dev(PAYER), 5);
    alloy_sol_types::sol! {
        struct CancelAuthorization { address authorizer; bytes32 nonce; }
    }
    use alloy_signer::SignerSync;
    use alloy_sol_types::SolStruct;
    let cancel = CancelAuthorization {
        authorizer: dev(PAYER),
        nonce: message.nonce,
    };
    let digest = cancel.eip712_signing_hash(&token.domain());
    let signature = DEV_ACCOUNTS[PAYER]
        .signer()
        .sign_hash_sync(&digest)
        .unwrap();
    let call = TestUsdc::cancelAuthorization_1Call {
        authorizer: dev(PAYER),
        nonce: message.nonce,
        signature: signature.as_bytes().into(),
    };
    assert!(send(&chain, dev(SETTLER), token.address(), call.abi_encode()).status());
    assert!(
        !send(
            &chain,
            dev(SETTLER),
            token.address(),
            settlement(&token, &message)
        )
        .status()
    );
}

fn wallet_payment(
    chain: &Chain,
    wallet: Address,
) -> (
    http402_testkit::chain::contract::abi::TransferWithAuthorization,
    Bytes,
) {
    let token = usdc(chain);
    let message = payment(chain, wallet, 6);
    let input = settlement(&token, &message);
    (message, input)
}

#[test]
fn a_contract_account_pays_with_its_owners_signature() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let wallet = chain
        .deploy(WALLET_1271.creation_code_with(&(dev(PAYER),)))
        .unwrap();
    token.mint(wallet, 5000);
    let (_, input) = wallet_payment(&chain, wallet);
    assert!(send(&chain, dev(SETTLER), token.address(), input).status());
    assert_eq!(token.balance_of(shop()), U256::from(1000));

    let stranger = chain
        .deploy(WALLET_1271.creation_code_with(&(dev(7),)))
        .unwrap();
    token.mint(stranger, 5000);
    let (_, input) = wallet_payment(&chain, stranger);
    let error = chain
        .call(&request(dev(SETTLER), token.address(), input))
        .unwrap_err();
    assert_eq!(
        error.message(),
        "execution reverted: FiatTokenV2: invalid signature"
    );
}

#[test]
fn a_wallet_exists_where_its_factory_said_it_would() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let factory = chain.deploy(WALLET_FACTORY.creation_code()).unwrap();
    let (owner, salt) = (dev(PAYER), B256::repeat_byte(7));
    let wallet = chain
        .read(factory, &WalletFactory::addressOfCall { owner, salt })
        .unwrap();
    token.mint(wallet, 5000);
    assert!(chain.code(wallet).is_empty());

    // Deployment and payment in one simulated call, which leaves nothing behind.
    let deploy = WalletFactory::deployCall { owner, salt }.abi_encode();
    let (_, input) = wallet_payment(&chain, wallet);
    let step = |target, data: Vec<u8>| Multicall::Call3 {
        target,
        allowFailure: false,
        callData: data.into(),
    };
    let calls = vec![
        step(factory, deploy.clone()),
        step(token.address(), input.to_vec()),
    ];
    let results = chain
        .read(MULTICALL_ADDRESS, &Multicall::aggregate3Call { calls })
        .unwrap();
    assert!(results.iter().all(|result| result.success));
    assert!(chain.code(wallet).is_empty());

    assert!(send(&chain, dev(SETTLER), factory, deploy.clone()).status());
    assert_eq!(
        chain.read(wallet, &Wallet1271::ownerCall {}).unwrap(),
        owner
    );
    assert!(
        send(&chain, dev(SETTLER), factory, deploy).status(),
        "deploying twice is no error"
    );
    assert!(send(&chain, dev(SETTLER), token.address(), input).status());
}

#[test]
fn s37_hostile_wallets_do_what_their_names_say() {
    let chain = Chain::builder().build();
    let token = usdc(&chain);
    let attempt = |fault: WalletFault| {
        let wallet = chain
            .deploy(HOSTILE_WALLET.creation_code_with(&(U256::from(fault as u8),)))
            .unwrap();
        token.mint(wallet, 5000);
        let message = payment(&chain, wallet, 8);
        let input = token.settlement(&message, vec![0; 65]);
        let simulated = chain.call(&request(dev(SETTLER), token.address(), input.clone()));
        let receipt = send(&chain, dev(SETTLER), token.address(), input);
        (simulated.is_ok(), receipt.status(), receipt.gas_used)
    };
    assert!(matches!(attempt(WalletFault::AlwaysTrue), (true, true, _)));
    let (simulated, settled, gas) = attempt(WalletFault::GasBomb);
    assert!(!simulated && !settled && gas > 480_000, "{gas}");
    // 2.1 million gas for the megabyte: more than the transaction has, less than a call has.
    assert!(matches!(attempt(WalletFault::ReturnBomb), (true, false, _)));
    assert!(matches!(
        attempt(WalletFault::RevertBomb),
        (false, false, _)
    ));
    assert!(matches!(
        attempt(WalletFault::OnlyInSimulation),
        (true, false, _)
    ));
    assert!(matches!(
        attempt(WalletFault::ShortAnswer),
        (false, false, _)
    ));
    assert!(matches!(attempt(WalletFault::Boolean), (false, false, _)));
}

#[test]
fn s38_hostile_tokens_do_what_their_names_say() {
    let address = Address::repeat_byte(0xbd);
    let chain = Chain::builder().hostile_token_at(address).build();
    let token = chain.token(address);
    let mut nonce = 0;
    let mut attempt = |fault: TokenFault| {
        token.set_fault(fault);
        nonce += 1;
        let before = token.balance_of(shop());
        let input = settlement(&token, &payment(&chain, dev(PAYER), nonce));
        let simulated = chain
            .call(&request(dev(SETTLER), address, input.clone()))
            .is_ok();
        let receipt = send(&chain, dev(SETTLER), address, input);
        let transfers: Vec<_> = receipt
            .logs()
            .iter()
            .filter_map(|log| {
                Some((
                    log.address(),
                    TestUsdc::Transfer::decode_log_validate(&log.inner)
                        .ok()?
                        .value
                        .to(),
                ))
            })
            .collect();
        let moved: u64 = (token.balance_of(shop()) - before).to();
        (simulated, receipt.status(), moved, transfers)
    };
    assert_eq!(
        attempt(TokenFault::Honest),
        (true, true, 1000, vec![(address, 1000u64)])
    );
    assert_eq!(
        attempt(TokenFault::Fee),
        (true, true, 990, vec![(address, 990), (address, 10)])
    );
    let decoy = |chain: &Chain| chain.read(address, &HostileToken::decoyCall {}).unwrap();
    let lied = attempt(TokenFault::OtherEmitter);
    assert_eq!(lied, (true, true, 0, vec![(decoy(&chain), 1000)]));
    assert_eq!(
        attempt(TokenFault::Short),
        (true, true, 999, vec![(address, 999)])
    );
    assert_eq!(attempt(TokenFault::BurnGas), (false, false, 0, vec![]));
    assert_eq!(attempt(TokenFault::Nothing), (true, true, 0, vec![]));
    assert_eq!(
        attempt(TokenFault::Lie),
        (true, true, 0, vec![(address, 1000)])
    );
    assert_eq!(attempt(TokenFault::RevertBomb), (false, false, 0, vec![]));
    assert_eq!(
        attempt(TokenFault::Split),
        (true, true, 1000, vec![(address, 500), (address, 500)])
    );
    assert_eq!(
        attempt(TokenFault::OnlyInSimulation),
        (true, false, 0, vec![])
    );
}

#[test]
fn s38_a_token_can_take_a_used_nonce_in_silence() {
    let address = Address::repeat_byte(0xbd);
    let chain = Chain::builder().hostile_token_at(address).build();
    let token = chain.token(address);
    token.set_fault(TokenFault::SilentReplay);
    let input = settlement(&token, &payment(&chain, dev(PAYER), 1));
    assert!(send(&chain, dev(SETTLER), address, input.clone()).status());
    let replay = send(&chain, dev(SETTLER), address, input);
    assert!(replay.status() && replay.logs().is_empty());
    assert_eq!(token.balance_of(shop()), U256::from(1000));
}

#[test]
fn tokens_of_one_chain_have_domains_of_their_own() {
    let other = Address::repeat_byte(0x22);
    let chain = Chain::builder().usdc_at(other).build();
    assert_ne!(
        chain.token(other).domain_separator(),
        usdc(&chain).domain_separator()
    );
    let elsewhere = Chain::builder().chain_id(31337).build();
    assert_ne!(
        elsewhere.token(USDC_BASE_SEPOLIA).domain_separator(),
        usdc(&chain).domain_separator()
    );
}

#[test]
fn the_development_keys_belong_to_their_addresses() {
    for dev in DEV_ACCOUNTS {
        assert_eq!(dev.signer().address(), dev.address());
    }
}
