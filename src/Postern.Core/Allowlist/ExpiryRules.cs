namespace Postern.Core.Allowlist;

/// <summary>How long a pass is good for, and how long its record is worth keeping.</summary>
public static class ExpiryRules
{
    /// <summary>The tests that a client must take (again): enabled, and expired before <paramref name="now"/>.</summary>
    public static EnabledTests Due(TestExpiry expiry, EnabledTests enabled, DateTimeOffset now)
    {
        var seconds = now.ToUnixTimeSeconds();
        return new(
            enabled.Pregreet && seconds > expiry.Pregreet,
            enabled.Dnsbl && seconds > expiry.Dnsbl,
            enabled.Pipelining && seconds > expiry.Pipelining,
            enabled.NonSmtpCommand && seconds > expiry.NonSmtpCommand,
            enabled.BareNewline && seconds > expiry.BareNewline);
    }

    /// <summary>
    /// The record without what lies further ahead than any pass counts: that was written while the clock was ahead, and
    /// would be believed until it gets there. Such a test is due.
    /// </summary>
    /// <param name="longest">The longest time that a pass counts, <see cref="PassLifetimes.Longest"/>.</param>
    public static TestExpiry Believed(in TestExpiry expiry, TimeSpan longest, DateTimeOffset now)
    {
        var horizon = now.ToUnixTimeSeconds() + (long)longest.TotalSeconds;
        return new(Of(expiry.Pregreet), Of(expiry.Dnsbl), Of(expiry.Pipelining), Of(expiry.NonSmtpCommand), Of(expiry.BareNewline));

        uint Of(uint seconds) => seconds > horizon ? CacheRecord.Due : seconds;
    }

    /// <summary>
    /// Whether cleanup keeps a record: it goes as soon as one enabled test expired longer ago than the retention time.
    /// So a client that passed only some of the enabled tests is forgotten, and a newly enabled test clears the list.
    /// </summary>
    /// <param name="retention"><c>postscreen_cache_retention_time</c>.</param>
    public static bool SurvivesCleanup(TestExpiry expiry, EnabledTests enabled, DateTimeOffset now, TimeSpan retention) =>
        !Due(expiry, enabled, now - retention).Any;

    /// <summary>The expiry times as they are written: a disabled test that was never passed says 1, not 0.</summary>
    public static TestExpiry ForRecord(TestExpiry expiry, EnabledTests enabled) => new(
        Written(expiry.Pregreet, enabled.Pregreet),
        Written(expiry.Dnsbl, enabled.Dnsbl),
        Written(expiry.Pipelining, enabled.Pipelining),
        Written(expiry.NonSmtpCommand, enabled.NonSmtpCommand),
        Written(expiry.BareNewline, enabled.BareNewline));

    /// <summary>
    /// What a store is to have of a client after a write that may come late, or from somebody who did not know what the store
    /// had: a test that the writer has nothing new about stays as it is in the store, and of two passes the later one counts.
    /// Only who knew of a pass can take it back.
    /// </summary>
    /// <param name="stored">What the store has.</param>
    /// <param name="seen">What the writer knew before it changed something; null: nothing.</param>
    /// <param name="written">What it writes.</param>
    /// <param name="horizon">Seconds since 1970 UTC: what the store has beyond it was written by a clock that was wrong.</param>
    public static TestExpiry Merged(in TestExpiry stored, in TestExpiry? seen, in TestExpiry written, uint horizon)
    {
        var before = seen.GetValueOrDefault();
        var isKnown = seen is not null;
        return new(
            Of(stored.Pregreet, before.Pregreet, written.Pregreet), Of(stored.Dnsbl, before.Dnsbl, written.Dnsbl), Of(stored.Pipelining, before.Pipelining, written.Pipelining),
            Of(stored.NonSmtpCommand, before.NonSmtpCommand, written.NonSmtpCommand), Of(stored.BareNewline, before.BareNewline, written.BareNewline));

        uint Of(uint stored, uint before, uint written)
        {
            if (stored > horizon || (stored <= CacheRecord.Due && written <= CacheRecord.Due))
                return written;
            var isNews = isKnown ? written != before : written > CacheRecord.Due;
            return !isNews ? stored : written > CacheRecord.Due ? Math.Max(stored, written) : written;
        }
    }

    private static uint Written(uint seconds, bool isEnabled) => seconds == 0 && !isEnabled ? CacheRecord.Due : seconds;
}
