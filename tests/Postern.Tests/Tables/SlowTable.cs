using Postern.Core;
using Postern.Core.Tables;

namespace Postern.Tests.Tables;

/// <summary>A table that may have to wait, and answers as it is told: <c>slow:anything</c>.</summary>
internal sealed class SlowTable(string name) : ILookupTable
{
    public string Name => name;

    public LookupWait Wait { get; set; } = LookupWait.Answer;

    public Func<string, LookupResult> Answer { get; set; } = static _ => LookupResult.NotFound;

    /// <summary>A catalog in which the table has the type <c>slow</c>, beside others.</summary>
    public TableCatalog Catalog(ITextFiles? files = null) =>
        new(files ?? new FakeTextFiles(), new TableType("slow") { FromArgument = (TableSource _, IWarningSink _, out string? problem) => (problem = null, this).Item2 });

    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        var result = Answer(key);
        if (result.Status is LookupStatus.Error)
            warnings.Warn($"{Name}: no answer");
        return result;
    }
}
