using Postern.Core;
using Postern.Core.Config;

namespace Postern.Handoff;

/// <summary>
/// The sessions that a server of this process has, from the moment when it takes a client until it lets it go: by address, and all
/// together. It counts them on its threads, the loop asks on its own.
/// </summary>
/// <param name="limit">How many it serves at a time; a tenth of them stays for clients that access list or allowlist let in.</param>
internal sealed class SessionCounts(int limit)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IpAddress, int> _byAddress = [];
    private int _total;

    /// <summary>All of them.</summary>
    public int Total
    {
        get
        {
            lock (_gate)
                return _total;
        }
    }

    /// <summary>Whether there is room for one more.</summary>
    /// <param name="isLetIn">Access list or allowlist has let it in.</param>
    public bool HasRoom(bool isLetIn) => Total < limit - (isLetIn ? 0 : limit / 10);

    /// <summary>How many there are of an address, or of its network if that counts as one.</summary>
    public int Of(IpAddress address, Settings settings)
    {
        lock (_gate)
        {
            if (settings.NetworkOf(address) is not { } network)
                return _byAddress.GetValueOrDefault(address);
            var sessions = 0;
            foreach (var (other, count) in _byAddress)
                sessions += settings.NetworkOf(other) == network ? count : 0;
            return sessions;
        }
    }

    /// <summary>The server has one more.</summary>
    public void Enter(IpAddress address)
    {
        lock (_gate)
        {
            _total++;
            _byAddress[address] = _byAddress.GetValueOrDefault(address) + 1;
        }
    }

    /// <summary>The server has one less.</summary>
    public void Leave(IpAddress address)
    {
        lock (_gate)
        {
            _total--;
            if (--_byAddress[address] == 0)
                _byAddress.Remove(address);
        }
    }
}
