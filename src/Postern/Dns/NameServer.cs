using System.Net;

namespace Postern.Dns;

/// <summary>
/// A server of resolv.conf(5), and whether it understands EDNS (RFC 6891): questions with EDNS may be answered with more than
/// 512 bytes, and some resolvers leave out what does not fit without saying so.
/// </summary>
internal sealed class NameServer(IPEndPoint address)
{
    private const long PlainFor = 600_000; // milliseconds, then EDNS is tried again
    private const int MostSilent = 2;

    private long _plainUntil = long.MinValue;
    private int _silent;
    private bool _hasAnsweredEdns;

    /// <summary>Where it is.</summary>
    public IPEndPoint Address { get; } = address;

    /// <summary>Whether to ask it with EDNS.</summary>
    /// <param name="now">Monotonic milliseconds.</param>
    public bool TakesEdns(long now) => now >= _plainUntil;

    /// <summary>It has answered a question with EDNS, and read it.</summary>
    public void OnEdnsAnswer() => (_hasAnsweredEdns, _silent) = (true, 0);

    /// <summary>It does not know EDNS, and says so.</summary>
    public void OnEdnsRefused(long now) => _plainUntil = now + PlainFor;

    /// <summary>A question with EDNS had no answer. Some firewalls drop such; but most often it is not that.</summary>
    /// <returns>Whether it may be that: none has ever been answered.</returns>
    public bool OnEdnsSilence(long now)
    {
        if (_hasAnsweredEdns)
            return false;
        if (++_silent >= MostSilent)
        {
            _silent = 0;
            OnEdnsRefused(now);
        }

        return true;
    }
}
