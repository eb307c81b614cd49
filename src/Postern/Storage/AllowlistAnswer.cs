using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>What the stores behind the allowlist know of one address.</summary>
/// <param name="Client">Who was waiting for it, as <see cref="IAllowlist.Ask"/> was told.</param>
/// <param name="Record">Null: none of them has it, or could say in time.</param>
internal readonly record struct AllowlistAnswer(ulong Client, IpAddress Address, TestExpiry? Record);
