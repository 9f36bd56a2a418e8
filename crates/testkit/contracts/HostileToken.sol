// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.28;

import {TestUsdc} from "./TestUsdc.sol";

/// Logs that look like those of a token, from an address that is none.
contract Decoy {
    event Transfer(address indexed from, address indexed to, uint256 value);

    function emitTransfer(address from, address to, uint256 value) external {
        emit Transfer(from, to, value);
    }
}

/// The test token with a fault that is chosen with `setMode`. Every mode but the honest one is a way in which a
/// transaction succeeds, or costs something, although the payee was not paid what was signed.
contract HostileToken is TestUsdc {
    uint256 public constant HONEST = 0;
    /// One percent goes to the token itself; the payee gets the rest.
    uint256 public constant FEE = 1;
    /// A used nonce returns without a revert and without a transfer.
    uint256 public constant SILENT_REPLAY = 2;
    /// Nothing moves; the expected Transfer is logged by another contract.
    uint256 public constant OTHER_EMITTER = 3;
    /// One unit less than signed moves and is logged.
    uint256 public constant SHORT = 4;
    /// All gas is burnt.
    uint256 public constant BURN_GAS = 5;
    /// Nothing moves and nothing is logged, yet the call succeeds.
    uint256 public constant NOTHING = 6;
    /// The expected Transfer is logged by the token, but nothing moves.
    uint256 public constant LIE = 7;
    /// A revert with one megabyte of data.
    uint256 public constant REVERT_BOMB = 8;
    /// Two Transfers of half the value each instead of one.
    uint256 public constant SPLIT = 9;
    /// Works for a gas price of zero (a simulation), fails in a transaction.
    uint256 public constant ONLY_IN_SIMULATION = 10;

    uint256 public mode;
    Decoy public decoy;

    function setMode(uint256 mode_) external {
        mode = mode_;
        if (mode_ == OTHER_EMITTER && address(decoy) == address(0)) decoy = new Decoy();
    }

    function _mayUse(address from, bytes32 nonce) internal view override returns (bool) {
        if (mode == SILENT_REPLAY && used[from][nonce]) return false;
        return super._mayUse(from, nonce);
    }

    function _transfer(address from, address to, uint256 value) internal override {
        if (mode == FEE) {
            uint256 fee = value / 100;
            super._transfer(from, to, value - fee);
            super._transfer(from, address(this), fee);
        } else if (mode == OTHER_EMITTER) {
            decoy.emitTransfer(from, to, value);
        } else if (mode == SHORT) {
            super._transfer(from, to, value - 1);
        } else if (mode == BURN_GAS) {
            assembly {
                invalid()
            }
        } else if (mode == NOTHING) {
            return;
        } else if (mode == LIE) {
            emit Transfer(from, to, value);
        } else if (mode == REVERT_BOMB) {
            assembly {
                revert(0, 1048576)
            }
        } else if (mode == SPLIT) {
            super._transfer(from, to, value / 2);
            super._transfer(from, to, value - value / 2);
        } else if (mode == ONLY_IN_SIMULATION) {
            require(tx.gasprice == 0, "HostileToken: not today");
            super._transfer(from, to, value);
        } else {
            super._transfer(from, to, value);
        }
    }
}
