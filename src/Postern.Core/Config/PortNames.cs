using System.Globalization;
using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>Ports by name or number, as the first field of master.cf has them: <c>known_tcp_ports</c> first, then the system's list.</summary>
/// <param name="known">The value of <c>known_tcp_ports</c>: words <c>name=name=port</c>.</param>
/// <param name="host">Asked for the names that are not there.</param>
internal sealed class PortNames(string known, HostFacts host)
{
    /// <summary>The largest port.</summary>
    public const int Largest = 65535;

    /// <summary>The port; null: there is none of this name or number.</summary>
    public int? Find(string name)
    {
        if (name.Length > 0 && char.IsAsciiDigit(name[0]))
            return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number is > 0 and <= Largest ? number : null;
        foreach (var word in Networks.Words(known))
        {
            var parts = word.Split('=');
            if (Array.IndexOf(parts, name, 0, parts.Length - 1) >= 0 && char.IsAsciiDigit(parts[^1].FirstOrDefault()))
                return Find(parts[^1]);
        }

        return host.FindPort(name);
    }

    /// <summary>With the value that main.cf has; what is wrong with it is said elsewhere.</summary>
    public static PortNames Of(MainCf mainCf, HostFacts host)
    {
        const string Name = "known_tcp_ports";
        var values = new ParameterValues(mainCf.Entries, static (_, _) => null, PostfixVersion.Base, new ProblemList());
        values.Evaluate([Parameters.Find(Name)!]);
        return new PortNames(values.Text(Name), host);
    }
}
