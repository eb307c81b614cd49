namespace Postern.Core.Tables;

/// <summary><c>randmap:{value, value}</c> — every key has one of the values, and each time another one.</summary>
public sealed class RandMapTable : ILookupTable
{
    private readonly LookupResult[] _answers;
    private readonly Func<int, int> _random;

    private RandMapTable(string name, LookupResult[] answers, Func<int, int> random) =>
        (Name, _answers, _random) = (name, answers, random);

    /// <inheritdoc />
    public string Name { get; }

    /// <param name="random">Gives a number from 0 to below its argument.</param>
    public static TableParser Parser(Func<int, int> random) =>
        (TableSource source, IWarningSink warnings, out string? problem) =>
        {
            if (MemberList.TryUnwrap(source.Argument, out var values))
            {
                problem = null;
                return new RandMapTable(source.Name, [.. values.Select(LookupResult.Found)], random);
            }

            problem = $"bad syntax: \"{source.Name}\"; need \"randmap:{{value...}}\"";
            return null;
        };

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) => Draw();

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) => Draw();

    private LookupResult Draw() => _answers[_random(_answers.Length)];
}
