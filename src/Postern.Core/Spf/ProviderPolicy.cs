namespace Postern.Core.Spf;

/// <summary>
/// All that the SPF policy of a domain refers to, whoever the client is, read once so that most clients can be told from
/// the provider's servers without an evaluation: who is outside of <see cref="Ranges"/> cannot pass, unless
/// <see cref="DependsOnClient"/>.
/// </summary>
public sealed class ProviderPolicy : ISpfAnswers
{
    /// <summary>Limit of records that are read for one provider; RFC 7208 §4.6.4 leaves room for ten look-ups, an mx among them for ten more.</summary>
    public const int MaxQuestions = 150;

    private readonly IReadOnlyDictionary<SpfQuestion, SpfAnswer> _answers;
    private readonly (IpAddress First, IpAddress Last)[] _ranges;

    private ProviderPolicy(string domain, IReadOnlyDictionary<SpfQuestion, SpfAnswer> answers, (IpAddress, IpAddress)[] ranges, bool dependsOnClient) =>
        (Domain, _answers, _ranges, DependsOnClient) = (domain, answers, ranges, dependsOnClient);

    /// <summary>The provider's domain.</summary>
    public string Domain { get; }

    /// <summary>How many separate ranges of addresses it names.</summary>
    public int Ranges => _ranges.Length;

    /// <summary>Whether a mechanism asks DNS about the client itself: <c>exists:%{i}.…</c>, <c>ptr</c>.</summary>
    public bool DependsOnClient { get; }

    /// <inheritdoc />
    public SpfAnswer? Find(SpfQuestion question) => _answers.GetValueOrDefault(question);

    /// <summary>Whether the address may pass; exact evaluation is <see cref="SpfCheck"/>'s business.</summary>
    public bool MayPass(IpAddress address)
    {
        if (DependsOnClient)
            return true;
        var (low, high) = (0, _ranges.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Compare(_ranges[middle].Last, address) < 0)
                low = middle + 1;
            else
                high = middle;
        }

        return low < _ranges.Length && Compare(_ranges[low].First, address) <= 0;
    }

    /// <summary>Reads a policy as far as the answers go.</summary>
    /// <param name="domain">The provider's domain.</param>
    /// <param name="answers">What is known of DNS.</param>
    /// <param name="missing">The first query whose answer is not known, when null is returned and <paramref name="problem"/> is null.</param>
    /// <param name="problem">Why the domain has no policy that can be used, for the administrator.</param>
    public static ProviderPolicy? Read(string domain, IReadOnlyDictionary<SpfQuestion, SpfAnswer> answers, out SpfQuestion missing, out string? problem)
    {
        var reader = new Reader(answers);
        var isWhole = reader.TryRead(domain, depth: 0);
        (missing, problem) = (reader.Missing, reader.Problem);
        return isWhole ? new ProviderPolicy(domain, answers, Merge(reader.Found), reader.DependsOnClient) : null;
    }

    private static (IpAddress, IpAddress)[] Merge(List<(IpAddress First, IpAddress Last)> ranges)
    {
        ranges.Sort(static (left, right) => Compare(left.First, right.First));
        List<(IpAddress First, IpAddress Last)> merged = [];
        foreach (var range in ranges)
        {
            if (merged.Count == 0 || Compare(merged[^1].Last, range.First) < 0)
                merged.Add(range);
            else if (Compare(merged[^1].Last, range.Last) < 0)
                merged[^1] = (merged[^1].First, range.Last);
        }

        return [.. merged];
    }

    private static int Compare(IpAddress left, IpAddress right) =>
        left.High != right.High ? left.High.CompareTo(right.High) : left.Low.CompareTo(right.Low);

    private sealed class Reader(IReadOnlyDictionary<SpfQuestion, SpfAnswer> answers)
    {
        private const int MaxDepth = 10;
        private const int MinIPv4Length = 8;
        private const int MinIPv6Length = 20;
        private readonly HashSet<string> _read = new(StringComparer.OrdinalIgnoreCase);

        public List<(IpAddress First, IpAddress Last)> Found { get; } = [];

        public bool DependsOnClient { get; private set; }

        public SpfQuestion Missing { get; private set; }

        public string? Problem { get; private set; }

        // False: something is missing, or wrong. An include that is wrong spoils the policy, as it does for check_host().
        public bool TryRead(string domain, int depth)
        {
            if (!_read.Add(domain))
                return true;
            if (depth > MaxDepth || _read.Count > MaxQuestions)
                return Fail($"the SPF policy of {domain} is nested too deeply");
            if (!TryFind(domain, SpfRecordType.Txt, out var texts))
                return false;
            var policies = texts.Texts.Where(SpfRecord.IsPolicy).Take(2).ToArray();
            if (policies.Length != 1)
                return Fail(policies.Length == 0 ? $"{domain} has no SPF policy" : $"{domain} has more than one SPF policy");
            if (!SpfRecord.TryParse(policies[0], out var record))
                return Fail($"the SPF policy of {domain} has a syntax error");
            foreach (var directive in record.Directives)
            {
                if (!TryRead(directive, domain, depth))
                    return false;
            }

            return record.Redirect is null || TryRead(Fill(record.Redirect, domain), depth + 1);
        }

        private bool TryRead(in SpfDirective directive, string domain, int depth)
        {
            var target = domain;
            if (directive.Domain is { } spec)
            {
                if (!spec.IsStatic)
                    return DependsOnClient = true;
                target = Fill(spec, domain);
            }

            switch (directive.Mechanism)
            {
                case SpfMechanism.All or SpfMechanism.Exists:
                    return directive.Result is not SpfResult.Pass || Fail($"the SPF policy of {domain} passes everybody");
                case SpfMechanism.Ptr:
                    return DependsOnClient = true;
                case SpfMechanism.Ip4 or SpfMechanism.Ip6:
                    var network = directive.Network;
                    if (network.Length < (network.IsIPv4 ? MinIPv4Length : MinIPv6Length) && directive.Result is SpfResult.Pass)
                        return Fail($"the SPF policy of {domain} passes {network.Address}/{network.Length}, which is too much");
                    Add(network.Address, network.Length);
                    return true;
                case SpfMechanism.Include:
                    return TryRead(target, depth + 1);
                case SpfMechanism.A:
                    return TryAddHost(target, directive);
                default:
                    if (!TryFind(target, SpfRecordType.Mx, out var hosts))
                        return false;
                    foreach (var host in hosts.Texts.Take(10))
                    {
                        if (!TryAddHost(host, directive))
                            return false;
                    }

                    return true;
            }
        }

        private bool TryAddHost(string host, in SpfDirective directive)
        {
            if (!TryFind(host, SpfRecordType.A, out var four) || !TryFind(host, SpfRecordType.Aaaa, out var six))
                return false;
            foreach (var address in four.Addresses)
                Add(address, directive.Bits4);
            foreach (var address in six.Addresses)
                Add(address, directive.Bits6);
            return true;
        }

        private void Add(IpAddress address, int length) => Found.Add((address.Network(length), address.LastOf(length)));

        private static string Fill(SpfMacroString spec, string domain) => spec.Expand(_ => domain).TrimEnd('.').ToLowerInvariant();

        private bool TryFind(string name, SpfRecordType type, out SpfAnswer answer)
        {
            var question = new SpfQuestion(name.TrimEnd('.').ToLowerInvariant(), type);
            if (!answers.TryGetValue(question, out answer!))
            {
                answer = SpfAnswer.Empty;
                Missing = question;
                return false;
            }

            return !answer.Failed || Fail($"DNS does not answer for {question.Name}");
        }

        private bool Fail(string problem)
        {
            Problem = problem;
            return false;
        }
    }
}
