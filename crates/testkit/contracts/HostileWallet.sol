// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.28;

/// Contract accounts that answer ERC-1271 in bad faith. The mode sits in storage slot 0, so that a test can also
/// place the runtime code and write the slot.
contract HostileWallet {
    uint256 public constant ALWAYS_TRUE = 0;
    /// Loops until no gas is left.
    uint256 public constant GAS_BOMB = 1;
    /// The magic value, followed by one megabyte of zeros.
    uint256 public constant RETURN_BOMB = 2;
    /// A revert with one megabyte of data.
    uint256 public constant REVERT_BOMB = 3;
    /// The magic value in a simulation (gas price zero), a refusal in a transaction.
    uint256 public constant ONLY_IN_SIMULATION = 4;
    /// The four magic bytes and not a byte more.
    uint256 public constant SHORT_ANSWER = 5;
    /// The number one, as a careless `bool` would be encoded.
    uint256 public constant BOOLEAN = 6;

    uint256 public mode;

    constructor(uint256 mode_) {
        mode = mode_;
    }

    function setMode(uint256 mode_) external {
        mode = mode_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4 magic) {
        uint256 chosen = mode;
        magic = 0x1626ba7e;
        if (chosen == GAS_BOMB) {
            assembly {
                for {} 1 {} {}
            }
        } else if (chosen == RETURN_BOMB) {
            assembly {
                mstore(0, magic)
                return(0, 1048576)
            }
        } else if (chosen == REVERT_BOMB) {
            assembly {
                revert(0, 1048576)
            }
        } else if (chosen == ONLY_IN_SIMULATION) {
            if (tx.gasprice != 0) magic = 0xffffffff;
        } else if (chosen == SHORT_ANSWER) {
            assembly {
                mstore(0, magic)
                return(0, 4)
            }
        } else if (chosen == BOOLEAN) {
            assembly {
                mstore(0, 1)
                return(0, 32)
            }
        }
    }
}
