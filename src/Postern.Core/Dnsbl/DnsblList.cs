using System.Collections.Immutable;
using Postern.Core.Tables;

namespace Postern.Core.Dnsbl;

/// <summary>A DNS list: one query a client, and what the answer is worth.</summary>
public sealed class DnsblList
{
    private readonly ILookupTable? _replyMap;
    private string _publicName;

    /// <param name="index">Place in its <see cref="DnsblSites"/>.</param>
    /// <param name="domain">As configured.</param>
    /// <param name="rules">At least one.</param>
    /// <param name="replyMap"><c>postscreen_dnsbl_reply_map</c>, or null.</param>
    internal DnsblList(int index, string domain, ImmutableArray<DnsblRule> rules, ILookupTable? replyMap)
    {
        (Index, Domain, Rules) = (index, domain, rules);
        (_replyMap, _publicName) = (replyMap, domain);
    }

    /// <summary>Place in its <see cref="DnsblSites"/>.</summary>
    public int Index { get; }

    /// <summary>The domain to ask, as configured. It may be a secret: replies show <see cref="PublicName"/>.</summary>
    public string Domain { get; }

    /// <summary>What counts, and how much. All that match add up.</summary>
    public ImmutableArray<DnsblRule> Rules { get; }

    /// <summary>
    /// The name for replies: what <c>postscreen_dnsbl_reply_map</c> has for the domain now, else the domain. While the
    /// table cannot be read the name known before stays, so that no secret gets out.
    /// </summary>
    public string PublicName(IWarningSink warnings)
    {
        TryRefreshName(warnings);
        return _publicName;
    }

    /// <summary>Asks the reply map for the name.</summary>
    /// <returns>False when it cannot answer.</returns>
    internal bool TryRefreshName(IWarningSink warnings)
    {
        if (_replyMap is null)
            return true;
        var found = _replyMap.Lookup(Domain, warnings);
        if (found.Status is LookupStatus.Error)
            return false;
        _publicName = found.Status is LookupStatus.Found ? found.Value : Domain;
        return true;
    }

    /// <summary>Whether an answer counts for any rule: whether the client is listed.</summary>
    public bool Counts(uint address, bool withErrors)
    {
        foreach (var rule in Rules)
        {
            if (rule.Counts(address, withErrors))
                return true;
        }

        return false;
    }

    /// <summary>Whether an answer is an error to every rule.</summary>
    public bool IsErrorAnswer(uint address)
    {
        foreach (var rule in Rules)
        {
            if (!rule.IsErrorAnswer(address))
                return false;
        }

        return true;
    }
}
