using System.Diagnostics.CodeAnalysis;

namespace Postern.Core.Spf;

/// <summary>An entry of <c>postern_provider_passes</c>: a domain whose own mail servers are known to be mail servers.</summary>
/// <param name="Domain">In lower case, without the final dot.</param>
/// <param name="IsPermit">Whether its servers need no tests at all; otherwise none after the greeting.</param>
public sealed record Provider(string Domain, bool IsPermit)
{
    /// <summary>Reads <c>example.com</c> or <c>example.com=permit</c>.</summary>
    /// <param name="entry">One word of the list.</param>
    /// <param name="provider">The entry.</param>
    /// <param name="problem">On failure, what the administrator must fix, quoting the entry.</param>
    public static bool TryParse(string entry, [NotNullWhen(true)] out Provider? provider, [NotNullWhen(false)] out string? problem)
    {
        (provider, problem) = (null, null);
        var equals = entry.IndexOf('=');
        var domain = (equals < 0 ? entry : entry[..equals]).TrimEnd('.').ToLowerInvariant();
        if (!SpfCheck.IsDomain(domain))
            problem = $"bad domain in \"{entry}\"";
        else if (equals >= 0 && entry[(equals + 1)..] != "permit")
            problem = $"bad action in \"{entry}\"";
        else
            provider = new Provider(domain, IsPermit: equals >= 0);
        return problem is null;
    }
}

/// <summary>Tells whether an address belongs to a provider, from what is known at this moment.</summary>
public interface IProviders
{
    /// <summary>The provider whose SPF policy passes the address; null: none, or not known (yet).</summary>
    /// <param name="address">The client's.</param>
    /// <param name="permitOnly">Whether only those count whose servers need no tests at all.</param>
    Provider? Find(IpAddress address, bool permitOnly);
}
