namespace Postern.Core.Allowlist;

/// <summary>
/// Who is forgotten first when as many clients are known as may be: those whose passes expired longest ago, then those whose
/// passes expire soonest, and last of all those that were told to come back and may be on their way.
/// </summary>
public sealed class EvictionOrder
{
    /// <summary>
    /// How long a client that was told to come back is waited for. Senders try again within minutes to a few hours
    /// (RFC 5321 §4.5.4.1: after 30 minutes at least).
    /// </summary>
    public static readonly TimeSpan ReturnTime = TimeSpan.FromDays(1);

    private const ulong Awaited = 1UL << 63;

    private readonly EnabledTests _enabled;
    private readonly uint _now, _pipelining, _nonSmtpCommand, _bareNewline;
    private readonly long _horizon;

    /// <param name="enabled">The tests that are on: the others say nothing about a record.</param>
    /// <param name="lifetimes">How long their passes count.</param>
    /// <param name="now">Wall-clock time.</param>
    public EvictionOrder(EnabledTests enabled, in PassLifetimes lifetimes, DateTimeOffset now)
    {
        (_enabled, _now) = (enabled, CacheRecord.Seconds(now));
        (_pipelining, _nonSmtpCommand, _bareNewline) = (Seconds(lifetimes.Pipelining), Seconds(lifetimes.NonSmtpCommand), Seconds(lifetimes.BareNewline));
        _horizon = _now + (long)lifetimes.Longest.TotalSeconds;
    }

    /// <summary>The lower, the sooner the record goes.</summary>
    public ulong RankOf(in TestExpiry record)
    {
        var (first, last, told) = (uint.MaxValue, 0u, 0u);
        if (_enabled.Pregreet)
            Look(record.Pregreet);
        if (_enabled.Dnsbl)
            Look(record.Dnsbl);
        if (_enabled.Pipelining)
            LookDeep(record.Pipelining, _pipelining);
        if (_enabled.NonSmtpCommand)
            LookDeep(record.NonSmtpCommand, _nonSmtpCommand);
        if (_enabled.BareNewline)
            LookDeep(record.BareNewline, _bareNewline);

        // Among those that are awaited it is the time when they were told that counts.
        return told > 0 ? Awaited | told : (ulong)first << 31 | last >> 1;

        void Look(uint expiry)
        {
            expiry = expiry > _horizon ? CacheRecord.Due : expiry;
            (first, last) = (Math.Min(first, expiry), Math.Max(last, expiry));
        }

        void LookDeep(uint expiry, uint lifetime)
        {
            Look(expiry);
            if (expiry >= lifetime && expiry - lifetime is var passed && passed <= _now && _now - passed <= (uint)ReturnTime.TotalSeconds)
                told = Math.Max(told, passed);
        }
    }

    /// <summary>The highest rank of a record that is not good for anything now.</summary>
    public ulong HighestExpired => ((ulong)_now << 31) - 1;

    /// <summary>Whether it is the rank of a client that was told to come back within the <see cref="ReturnTime"/>.</summary>
    public static bool IsAwaited(ulong rank) => rank >= Awaited;

    private static uint Seconds(TimeSpan lifetime) => (uint)Math.Min(lifetime.TotalSeconds, uint.MaxValue);
}
