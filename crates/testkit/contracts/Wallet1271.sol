// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.28;

/// A contract account with one owner key. Delegated to under EIP-7702, where no constructor has run, the account's
/// own key is the owner.
contract Wallet1271 {
    bytes4 private constant MAGIC = 0x1626ba7e;
    bytes4 private constant REFUSED = 0xffffffff;
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    address private stored;

    constructor(address owner_) {
        stored = owner_;
    }

    receive() external payable {}

    function owner() public view returns (address) {
        return stored == address(0) ? address(this) : stored;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return REFUSED;
        uint8 v = uint8(signature[64]);
        if (uint256(bytes32(signature[32:64])) > HALF_ORDER || (v != 27 && v != 28)) return REFUSED;
        address signer = ecrecover(hash, v, bytes32(signature[:32]), bytes32(signature[32:64]));
        return signer != address(0) && signer == owner() ? MAGIC : REFUSED;
    }

    function execute(address to, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        require(msg.sender == owner() || msg.sender == address(this), "Wallet1271: not the owner");
        (bool ok, bytes memory answer) = to.call{value: value}(data);
        if (!ok) {
            assembly {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        return answer;
    }
}

/// Deploys wallets at addresses known before they exist (ERC-6492). Deploying twice is no error.
contract WalletFactory {
    function deploy(address owner, bytes32 salt) external returns (address wallet) {
        wallet = addressOf(owner, salt);
        if (wallet.code.length == 0) wallet = address(new Wallet1271{salt: salt}(owner));
    }

    function addressOf(address owner, bytes32 salt) public view returns (address) {
        bytes32 code = keccak256(abi.encodePacked(type(Wallet1271).creationCode, abi.encode(owner)));
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, code)))));
    }
}
