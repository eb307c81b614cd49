using System.Globalization;
using System.Text;

namespace Postern.Core.Spf;

/// <summary>How an evaluation ended.</summary>
/// <param name="Result">Null: an answer is missing.</param>
/// <param name="Missing">The query whose answer is needed to go on.</param>
/// <param name="Explanation">What the domain says about its fail (RFC 7208 §6.2); null: nothing.</param>
public readonly record struct SpfOutcome(SpfResult? Result, SpfQuestion Missing, string? Explanation);

/// <summary>
/// Evaluates an SPF policy: check_host() of RFC 7208 §4, with the limits of §4.6.4. It asks no one: it works with the
/// answers that are known and names the first that is missing. When that is known it is called again from the beginning,
/// which is cheap, since a policy has ten look-ups at most.
/// </summary>
public sealed class SpfCheck
{
    private const int MaxTerms = 10;
    private const int MaxVoidLookups = 2;
    private const int MaxMxHosts = 10;
    private const int MaxReverseNames = 10;
    private const int MaxDomainLength = 253;

    private enum Match
    {
        No,
        Yes,
        TempError,
        PermError,
        Unknown,
    }

    private readonly SpfClient _client;
    private readonly ISpfAnswers _answers;
    private readonly string _sender;
    private readonly string _senderDomain;
    private SpfQuestion _missing;
    private int _terms;
    private int _voidLookups;

    private SpfCheck(SpfClient client, string domain, ISpfAnswers answers)
    {
        (_client, _answers) = (client, answers);
        _senderDomain = client.SenderDomain.Length > 0 ? client.SenderDomain : domain;
        _sender = client.LocalPart.Length > 0 ? client.LocalPart : "postmaster";
    }

    /// <summary>Evaluates the policy of a domain.</summary>
    /// <param name="client">Who has connected.</param>
    /// <param name="domain">The domain whose policy it is, in any case.</param>
    /// <param name="answers">The DNS answers known so far.</param>
    public static SpfOutcome Evaluate(SpfClient client, string domain, ISpfAnswers answers)
    {
        var check = new SpfCheck(client, domain, answers);
        string? explanation = null;
        var result = check.Evaluate(domain, out var explainer);
        if (result == SpfResult.Fail && explainer is { } source && !check.TryExplain(source.Text, source.Domain, out explanation))
            result = null;
        return new SpfOutcome(result, check._missing, explanation);
    }

    /// <summary>Whether a name can be asked for in DNS and has more than one label (RFC 7208 §4.3).</summary>
    internal static bool IsDomain(string name) => !name.AsSpan().ContainsAny("[]\\ ") && HasValidLabels(name, out var labels) && labels > 1;

    private static bool HasValidLabels(string name, out int labels)
    {
        labels = 0;
        var text = name.AsSpan();
        if (text.EndsWith('.'))
            text = text[..^1];
        if (text.Length is 0 or > MaxDomainLength || text.ContainsAnyExceptInRange(' ', '~'))
            return false;
        foreach (var range in text.Split('.'))
        {
            labels++;
            if (text[range].Length is 0 or > 63)
                return false;
        }

        return true;
    }

    private SpfResult? Evaluate(string domain, out (SpfMacroString Text, string Domain)? explainer)
    {
        explainer = null;
        if (!IsDomain(domain))
            return SpfResult.None;
        if (Find(domain, SpfRecordType.Txt) is not { } texts)
            return null;
        if (texts.Failed)
            return SpfResult.TempError;
        var policies = texts.Texts.Where(SpfRecord.IsPolicy).Take(2).ToArray();
        if (policies.Length == 0)
            return SpfResult.None;
        if (policies.Length > 1 || !SpfRecord.TryParse(policies[0], out var record))
            return SpfResult.PermError;

        foreach (var directive in record.Directives)
        {
            switch (Matches(directive, domain))
            {
                case Match.Unknown:
                    return null;
                case Match.TempError:
                    return SpfResult.TempError;
                case Match.PermError:
                    return SpfResult.PermError;
                case Match.Yes:
                    if (record.Explanation is not null)
                        explainer = (record.Explanation, domain);
                    return directive.Result;
            }
        }

        if (record.Redirect is null)
            return SpfResult.Neutral;
        if (++_terms > MaxTerms)
            return SpfResult.PermError;
        if (Expand(record.Redirect, domain) is not { } target)
            return null;
        return Evaluate(target, out explainer) is { } result ? result == SpfResult.None ? SpfResult.PermError : result : null;
    }

    private Match Matches(SpfDirective directive, string domain)
    {
        switch (directive.Mechanism)
        {
            case SpfMechanism.All:
                return Match.Yes;
            case SpfMechanism.Ip4 or SpfMechanism.Ip6:
                return directive.Network.Contains(_client.Address) ? Match.Yes : Match.No;
        }

        if (++_terms > MaxTerms)
            return Match.PermError;
        var target = domain;
        if (directive.Domain is not null)
        {
            if (Expand(directive.Domain, domain) is not { } expanded)
                return Match.Unknown;
            target = expanded;
        }

        return directive.Mechanism switch
        {
            SpfMechanism.Include => Includes(target),
            SpfMechanism.A => HasAddress(target, directive),
            SpfMechanism.Mx => HasExchanger(target, directive),
            SpfMechanism.Ptr => HasReverseName(target),
            _ => Exists(target),
        };
    }

    private Match Includes(string target) => Evaluate(target, out _) switch
    {
        null => Match.Unknown,
        SpfResult.Pass => Match.Yes,
        SpfResult.TempError => Match.TempError,
        SpfResult.PermError or SpfResult.None => Match.PermError,
        _ => Match.No,
    };

    private Match HasAddress(string target, SpfDirective directive) =>
        Query(target, AddressType, out var addresses) is var match && match != Match.Yes ? match : IsAmong(addresses, directive) ? Match.Yes : Match.No;

    private Match HasExchanger(string target, SpfDirective directive)
    {
        if (Query(target, SpfRecordType.Mx, out var hosts) is var match && match != Match.Yes)
            return match;
        if (hosts.Texts.Count > MaxMxHosts)
            return Match.PermError;
        foreach (var host in hosts.Texts)
        {
            match = Query(host, AddressType, out var addresses);
            if (match is not (Match.Yes or Match.No))
                return match;
            if (match == Match.Yes && IsAmong(addresses, directive))
                return Match.Yes;
        }

        return Match.No;
    }

    private Match Exists(string target) => Query(target, SpfRecordType.A, out _);

    // A failing query makes this mechanism "no match", not a temporary error (§5.5).
    private Match HasReverseName(string target)
    {
        if (ReverseNames(isCounted: true) is not { } names)
            return _voidLookups > MaxVoidLookups ? Match.PermError : Match.Unknown;
        return names.Any(name => IsSameOrBelow(name, target)) ? Match.Yes : Match.No;
    }

    private SpfRecordType AddressType => _client.Address.IsIPv4 ? SpfRecordType.A : SpfRecordType.Aaaa;

    private bool IsAmong(SpfAnswer answer, SpfDirective directive)
    {
        var length = _client.Address.IsIPv4 ? directive.Bits4 : directive.Bits6;
        return answer.Addresses.Any(address => address.IsIPv4 == _client.Address.IsIPv4 && address.Network(length) == _client.Address.Network(length));
    }

    /// <summary>The client's reverse names that lead back to its address (§5.5); null: an answer is missing, or too many led nowhere.</summary>
    private List<string>? ReverseNames(bool isCounted)
    {
        var arpa = _client.Address.IsIPv4 ? "in-addr.arpa" : "ip6.arpa";
        var name = string.Join('.', DottedAddress().Split('.').Reverse()) + "." + arpa;
        if (Find(name, SpfRecordType.Reverse) is not { } answer)
            return null;
        if (isCounted && answer.IsVoid && ++_voidLookups > MaxVoidLookups)
            return null;
        List<string> names = [];
        foreach (var candidate in answer.Texts.Take(MaxReverseNames))
        {
            if (!HasValidLabels(candidate, out _))
                continue;
            if (Find(candidate, AddressType) is not { } addresses)
                return null;
            if (addresses.Addresses.Contains(_client.Address))
                names.Add(candidate.TrimEnd('.'));
        }

        return names;
    }

    private static bool IsSameOrBelow(string name, string domain)
    {
        domain = domain.TrimEnd('.');
        return name.EndsWith(domain, StringComparison.OrdinalIgnoreCase) && (name.Length == domain.Length || name[^(domain.Length + 1)] == '.');
    }

    /// <summary>A query of a mechanism: <see cref="Match.Yes"/> when there are records.</summary>
    private Match Query(string name, SpfRecordType type, out SpfAnswer answer)
    {
        answer = SpfAnswer.Empty;
        if (HasValidLabels(name, out _))
        {
            if (Find(name, type) is not { } found)
                return Match.Unknown;
            answer = found;
        }

        if (answer.Failed)
            return Match.TempError;
        if (!answer.IsVoid)
            return Match.Yes;
        return ++_voidLookups > MaxVoidLookups ? Match.PermError : Match.No;
    }

    private SpfAnswer? Find(string name, SpfRecordType type)
    {
        var question = new SpfQuestion(name.TrimEnd('.').ToLowerInvariant(), type);
        var answer = _answers.Find(question);
        if (answer is null)
            _missing = question;
        return answer;
    }

    /// <summary>Fills in a domain-spec; null: an answer is missing, for %{p}.</summary>
    private string? Expand(SpfMacroString text, string domain)
    {
        var reverseName = "";
        if (text.Uses('p') && (reverseName = ReverseName(domain)) is null)
            return null;
        var expanded = text.Expand(letter => Value(letter, domain, reverseName));
        while (expanded.TrimEnd('.').Length > MaxDomainLength && expanded.Contains('.'))
            expanded = expanded[(expanded.IndexOf('.') + 1)..]; // §7.3: labels are taken off on the left
        return expanded;
    }

    // §7.3: the domain itself if it is among the names, else a name below it, else any
    private string? ReverseName(string domain) => ReverseNames(isCounted: false) is not { } names
        ? null
        : names.Find(name => name.Equals(domain.TrimEnd('.'), StringComparison.OrdinalIgnoreCase)) ?? names.Find(name => IsSameOrBelow(name, domain)) ?? names.FirstOrDefault("unknown");

    private string Value(char letter, string domain, string reverseName) => letter switch
    {
        's' => _sender + "@" + _senderDomain,
        'l' => _sender,
        'o' => _senderDomain,
        'd' => domain,
        'i' => DottedAddress(),
        'p' => reverseName,
        'v' => _client.Address.IsIPv4 ? "in-addr" : "ip6",
        'h' => _client.HeloName,
        'c' => _client.Address.ToString(),
        'r' => _client.ReceivingHost,
        't' => _client.UnixSeconds.ToString(CultureInfo.InvariantCulture),
        _ => "",
    };

    // 192.0.2.1, and 2.0.0.1.0.d.b.8. … .1: a label for every four bits
    private string DottedAddress()
    {
        if (_client.Address.IsIPv4)
            return _client.Address.ToString();
        Span<byte> bytes = stackalloc byte[16];
        _client.Address.WriteBytes(bytes);
        var text = new StringBuilder(63);
        foreach (var symbol in Convert.ToHexString(bytes))
            text.Append(text.Length > 0 ? "." : "").Append(symbol);
        return text.ToString();
    }

    // Whatever goes wrong here means that there is no explanation; the result is a fail all the same (§6.2).
    private bool TryExplain(SpfMacroString source, string domain, out string? explanation)
    {
        explanation = null;
        if (Expand(source, domain) is not { } name)
            return false;
        if (!HasValidLabels(name, out _))
            return true;
        if (Find(name, SpfRecordType.Txt) is not { } answer)
            return false;
        if (answer.Texts.Count != 1 || !SpfMacroString.TryParse(answer.Texts[0], isExplanation: true, out var text))
            return true;
        var reverseName = "";
        if (text.Uses('p') && (reverseName = ReverseName(domain)) is null)
            return false;
        explanation = text.Expand(letter => Value(letter, domain, reverseName));
        return true;
    }
}
