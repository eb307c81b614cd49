using System.Globalization;

namespace Postern.Providers;

/// <summary>What is known of one provider, for the administrator.</summary>
/// <param name="Domain">The domain of <c>postern_provider_passes</c>.</param>
/// <param name="Ranges">Separate ranges of addresses that its policy names.</param>
/// <param name="DependsOnClient">Whether DNS is asked about each client as well.</param>
/// <param name="Answered">When DNS last gave the whole policy; null: never.</param>
/// <param name="Problem">Why the last attempt failed; null: it did not.</param>
public sealed record ProviderState(string Domain, int Ranges, bool DependsOnClient, DateTimeOffset? Answered, string? Problem)
{
    /// <summary>One line: <c>gmail.com: 12 ranges of addresses, read 2026-11-29 14:00:00Z</c>.</summary>
    public string Describe()
    {
        var read = Answered is { } moment ? string.Create(CultureInfo.InvariantCulture, $"read {moment:u}") : "never read";
        var what = $"{Domain}: {Ranges} ranges of addresses{(DependsOnClient ? " and queries about each client" : "")}, {read}";
        return Problem is null ? what : $"{what}; last attempt: {Problem}";
    }
}
