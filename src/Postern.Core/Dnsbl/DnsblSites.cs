using System.Collections.Immutable;
using System.Globalization;
using Postern.Core.Tables;

namespace Postern.Core.Dnsbl;

/// <summary>
/// The DNS lists of one screening service, <c>postscreen_dnsbl_sites</c>: elements <c>domain[=filter][*weight]</c>. Those
/// with the same domain text make one list.
/// </summary>
public sealed class DnsblSites
{
    private DnsblSites(ImmutableArray<DnsblList> lists, bool withErrors) => (Lists, CountsErrorAnswers) = (lists, withErrors);

    /// <summary>Each domain once, in the order of first mention. May be empty.</summary>
    public ImmutableArray<DnsblList> Lists { get; }

    /// <summary>Whether error answers count like listings, as in postscreen (<see cref="ErrorAnswer"/>).</summary>
    public bool CountsErrorAnswers { get; }

    /// <summary>Reads the parameter.</summary>
    /// <param name="text">Elements between commas and white space.</param>
    /// <param name="replyMap"><c>postscreen_dnsbl_reply_map</c>: names for replies by domain; null: none.</param>
    /// <param name="countsErrorAnswers">Whether error answers count like listings.</param>
    /// <param name="errors">Told, in Postfix's words, what keeps the daemon from starting; the element is left out.</param>
    /// <param name="warnings">Told what else is wrong.</param>
    public static DnsblSites Parse(
        string text, ILookupTable? replyMap, bool countsErrorAnswers, IWarningSink errors, IWarningSink warnings)
    {
        var domains = new List<string>();
        var rules = new Dictionary<string, ImmutableArray<DnsblRule>.Builder>(StringComparer.Ordinal);
        foreach (var range in text.AsSpan().SplitAny(ListText.Separators))
        {
            var element = text[range];
            if (element.Length == 0 || ParseElement(element, out var domain, errors, warnings) is not { } rule)
                continue;
            if (!rules.TryGetValue(domain, out var known))
            {
                rules[domain] = known = ImmutableArray.CreateBuilder<DnsblRule>();
                domains.Add(domain);
            }

            known.Add(rule);
        }

        var lists = ImmutableArray.CreateBuilder<DnsblList>(domains.Count);
        foreach (var domain in domains)
            lists.Add(new DnsblList(lists.Count, domain, rules[domain].ToImmutable(), replyMap));
        return new DnsblSites(lists.ToImmutable(), countsErrorAnswers);
    }

    /// <summary>Every list of any of them, with the rules that it has where it comes first.</summary>
    public static DnsblSites Union(IEnumerable<DnsblSites> all)
    {
        var (lists, countsErrors) = (ImmutableArray.CreateBuilder<DnsblList>(), false);
        foreach (var sites in all)
        {
            countsErrors |= sites.CountsErrorAnswers;
            foreach (var list in sites.Lists)
            {
                if (!lists.Any(known => known.Domain == list.Domain))
                    lists.Add(new DnsblList(lists.Count, list.Domain, list.Rules, replyMap: null));
            }
        }

        return new DnsblSites(lists.ToImmutable(), countsErrors);
    }

    private static DnsblRule? ParseElement(string element, out string domain, IWarningSink errors, IWarningSink warnings)
    {
        domain = element;
        var weight = 1;
        if (element.IndexOf('*') is >= 0 and var star)
        {
            var factor = element[(star + 1)..];
            domain = element[..star];
            if (!int.TryParse(factor, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out weight))
            {
                errors.Warn($"bad DNSBL weight factor \"{factor}\" in \"{element}\"");
                return null;
            }
        }

        ReplyFilter? filter = null;
        if (domain.IndexOf('=') is >= 0 and var equals)
        {
            if (!ReplyFilter.TryParse(domain.AsSpan(equals + 1), out filter, out var problem))
            {
                errors.Warn($"bad DNSBL filter syntax: {problem}");
                return null;
            }

            domain = domain[..equals];
        }

        if (HostNameSyntax.Problem(domain) is { } reason)
        {
            warnings.Warn(domain.Length == 0 ? $"valid_hostname: {reason}" : $"valid_hostname: {reason}: {domain}");
            errors.Warn($"bad DNSBL domain name \"{domain}\" in \"{element}\"");
            return null;
        }

        return new DnsblRule(filter, weight);
    }
}
