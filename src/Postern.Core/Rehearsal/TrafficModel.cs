using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Postern.Core.Rehearsal;

/// <summary>The values of the model's parameters. Immutable.</summary>
public sealed class TrafficModel
{
    private readonly Dictionary<ModelParameter, string> _values;

    private TrafficModel(Dictionary<ModelParameter, string> values) => _values = values;

    /// <summary>Every parameter as its row has it.</summary>
    public static TrafficModel Default { get; } = new([]);

    /// <summary>The value in force.</summary>
    public string TextOf(ModelParameter parameter) => _values.GetValueOrDefault(parameter, parameter.Default);

    /// <summary>A parameter that is a number.</summary>
    public double Number(ModelParameter parameter) => double.Parse(TextOf(parameter), CultureInfo.InvariantCulture);

    /// <summary>A parameter that is a curve.</summary>
    public Curve Curve(ModelParameter parameter) =>
        Rehearsal.Curve.TryParse(TextOf(parameter), out var curve, out var problem) ? curve : throw new InvalidOperationException(problem);

    /// <summary>The same model with another value.</summary>
    /// <param name="setting"><c>name=value</c>.</param>
    /// <param name="problem">On failure, what is wrong with it.</param>
    public bool TrySet(string setting, [NotNullWhen(true)] out TrafficModel? changed, [NotNullWhen(false)] out string? problem)
    {
        changed = null;
        var equals = setting.IndexOf('=');
        var name = (equals < 0 ? setting : setting[..equals]).Trim();
        if (equals < 0 || ModelParameter.All.FirstOrDefault(row => row.Name == name) is not { } parameter)
        {
            problem = equals < 0 ? $"{setting}: write name=value" : $"{name}: no parameter of the model has this name; --show-model has all of them";
            return false;
        }

        var value = setting[(equals + 1)..].Trim();
        problem = null;
        if (parameter.Most is not { } most)
            _ = Rehearsal.Curve.TryParse(value, out _, out problem);
        else if (!double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number > most)
            problem = string.Create(CultureInfo.InvariantCulture, $"write a number from 0 to {most}");
        if (problem is not null)
        {
            problem = $"{name}={value}: {problem}";
            return false;
        }

        changed = new TrafficModel(new(_values) { [parameter] = value });
        return true;
    }

    /// <summary>The same model with other values, of a scenario; these are known to be good.</summary>
    internal TrafficModel With(params (ModelParameter Parameter, string Value)[] values)
    {
        var all = new Dictionary<ModelParameter, string>(_values);
        foreach (var (parameter, value) in values)
            all[parameter] = value;
        return new TrafficModel(all);
    }
}
