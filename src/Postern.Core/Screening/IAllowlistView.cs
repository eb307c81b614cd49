using Postern.Core.Allowlist;

namespace Postern.Core.Screening;

/// <summary>The temporary allowlist as a session sees it: it answers at once, from memory.</summary>
public interface IAllowlistView
{
    /// <summary>The record of a client that passed tests before.</summary>
    bool TryRecall(IpAddress address, out TestExpiry expiry);
}
