namespace Postern.Core.Tables;

/// <summary>
/// <c>cidr:</c> — rules <c>network result</c>, of which the first that matches wins, and <c>if network</c> … <c>endif</c>
/// around rules for the addresses inside (cidr_table(5)).
/// </summary>
public sealed class CidrTable : ILookupTable
{
    private readonly PrefixMap<uint> _ipv4;
    private readonly PrefixMap<UInt128> _ipv6;
    private readonly LookupResult[] _answers; // the first one: none

    private CidrTable(string name, PrefixMap<uint> ipv4, PrefixMap<UInt128> ipv6, LookupResult[] answers) =>
        (Name, _ipv4, _ipv6, _answers) = (name, ipv4, ipv6, answers);

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Reads the rules. A bad one is reported and skipped; the others count.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        if (!InlineRules.TryOpen(source, "cidr", warnings, out var lines, out problem))
            return null;
        var rules = new Reader(source, warnings);
        while (lines.Read())
            rules.Take(lines.Text, lines.LineNumber);
        return rules.Compile(out problem);
    }

    /// <summary>Lists the rules.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source)
    {
        if (!InlineRules.TryOpen(source, "cidr", DiscardedWarnings.Instance, out var lines, out _))
            yield break;
        while (lines.Read())
        {
            if (CidrRule.TryParse(lines.Text, out var rule, out _) && rule.Kind == CidrRuleKind.Result)
                yield return new TableRule(lines.LineNumber, (rule.IsNegated ? "!" : "") + rule.Network, rule.Result.ToString());
        }
    }

    /// <summary>Which rule of a file decides about an address, for messages: the scan above, but slowly and with line numbers.</summary>
    /// <returns>The number of its line, from 1; null: none does.</returns>
    public static int? FindLine(string text, IpAddress address)
    {
        var skipped = 0; // conditions that are open around here, from the first that does not hold
        foreach (var line in LogicalLines.Read(text, "", DiscardedWarnings.Instance))
        {
            if (!CidrRule.TryParse(line.Text, out var rule, out _))
                continue;
            var matches = rule.Network.IsIPv4 == address.IsIPv4 && rule.Network.Contains(address) != rule.IsNegated;
            switch (rule.Kind)
            {
                case CidrRuleKind.EndIf:
                    skipped = Math.Max(0, skipped - 1);
                    break;
                case CidrRuleKind.If when skipped > 0 || !matches:
                    skipped++;
                    break;
                case CidrRuleKind.Result when skipped == 0 && matches:
                    return line.LineNumber;
            }
        }

        return null;
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        if (!IpAddress.TryParse(key, out var address))
            return LookupResult.NotFound;
        // A mapped address in IPv6 notation counts as IPv6 here; clients never have such a text.
        return Find(address, isIPv4: !key.Contains(':'));
    }

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) => Find(address, address.IsIPv4);

    private LookupResult Find(IpAddress address, bool isIPv4) => _answers[isIPv4 ? _ipv4.Find(address.IPv4Bits) : _ipv6.Find(BitsOf(address))];

    private static UInt128 BitsOf(IpAddress address) => new(address.High, address.Low);

    /// <summary>Takes the rules of a file, one after the other.</summary>
    private sealed class Reader(TableSource source, IWarningSink warnings)
    {
        private const int ShortRule = 16; // bytes; most are longer

        private readonly PrefixRules<uint> _ipv4 = new((int)((source.File?.Stamp.Size ?? 0) / ShortRule));
        private readonly PrefixRules<UInt128> _ipv6 = new(0);
        private readonly List<LookupResult> _answers = [LookupResult.NotFound];
        private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal); // of the answers
        private readonly Stack<int> _open = new(); // line numbers of the conditions whose endif is yet to come

        public void Take(ReadOnlySpan<char> line, int lineNumber)
        {
            if (!CidrRule.TryParse(line, out var rule, out var why)
                || (rule.Kind == CidrRuleKind.EndIf && _open.Count == 0 && (why = "ENDIF without IF") is not null))
            {
                warnings.Warn($"cidr map {source.Argument}, line {lineNumber}: {why}: skipping this rule");
                return;
            }

            var network = rule.Network;
            Prefix<uint>? ipv4 = network.IsIPv4 ? new(network.Address.IPv4Bits, network.Length) : null;
            Prefix<UInt128>? ipv6 = network.IsIPv4 ? null : new(BitsOf(network.Address), network.Length);
            switch (rule.Kind)
            {
                case CidrRuleKind.If: // one about the other family holds for nobody, negated or not
                    _open.Push(lineNumber);
                    _ipv4.BeginBlock(ipv4, rule.IsNegated);
                    _ipv6.BeginBlock(ipv6, rule.IsNegated);
                    break;
                case CidrRuleKind.EndIf:
                    _open.Pop();
                    _ipv4.EndBlock();
                    _ipv6.EndBlock();
                    break;
                case CidrRuleKind.Result when ipv4 is { } prefix:
                    _ipv4.Add(prefix, rule.IsNegated, NumberOf(rule.Result));
                    break;
                case CidrRuleKind.Result:
                    _ipv6.Add(ipv6!.Value, rule.IsNegated, NumberOf(rule.Result));
                    break;
            }
        }

        public CidrTable? Compile(out string? problem)
        {
            foreach (var lineNumber in _open)
                warnings.Warn($"cidr map {source.Argument}, line {lineNumber}: IF has no matching ENDIF");
            problem = _ipv4.IsTooMuch || _ipv6.IsTooMuch ? $"cidr map {source.Argument}: too many rules in nested conditions with '!'" : null;
            return problem is null ? new CidrTable(source.Name, _ipv4.Compile(), _ipv6.Compile(), [.. _answers]) : null;
        }

        private int NumberOf(ReadOnlySpan<char> result)
        {
            var numbers = _numbers.GetAlternateLookup<ReadOnlySpan<char>>();
            if (numbers.TryGetValue(result, out var number))
                return number;
            number = _answers.Count;
            numbers[result] = number;
            _answers.Add(LookupResult.Found(result.ToString()));
            return number;
        }
    }
}
