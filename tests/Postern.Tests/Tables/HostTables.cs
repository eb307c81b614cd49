using Postern.Core;
using Postern.Core.Tables;
using Postern.Tables;
using Postern.Tests.Config;

namespace Postern.Tests.Tables;

/// <summary>Catalogs with all that the daemon adds to Core's table types.</summary>
internal static class HostTables
{
    /// <param name="mainCf">Lines of main.cf: where the queue directory is, and the like.</param>
    public static TableCatalog Catalog(ITextFiles files, string mainCf = "") => new(files, Types(mainCf));

    /// <summary>The same, for users who cannot wait.</summary>
    public static TableCatalog BriefCatalog(ITextFiles files) => new(files, Types()) { Hasten = static table => new BriefTable(table, TimeSpan.FromMinutes(1)) };

    public static IReadOnlyList<TableType> Types(string mainCf = "")
    {
        var configuration = new ConfigDirectory("compatibility_level = 3.6\n" + mainCf).Load();
        Assert.False(configuration.HasErrors, string.Join('\n', configuration.Problems));
        return HostTableTypes.For(configuration.Process!).Types;
    }
}
